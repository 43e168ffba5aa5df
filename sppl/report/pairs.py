"""The part of a page about one benchmark and target: sentences and panels."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from sppl.analysis.outcomes import UNTRAINED
from sppl.analysis.ranking import sentence
from sppl.report import charts
from sppl.report.gallery import Gallery
from sppl.report.markup import Markup, bullet_list, element, join_markup
from sppl.report.outcome_panels import draw_paired_panels, draw_setting_panels
from sppl.report.page_tables import setting_columns, strategy_label
from sppl.report.tables import MISSING

RANKING = (
    "Best strategy on top. Dot: the metric's value over all questions; bar: its 95 % interval over resampled "
    "questions; at the right: the share of resamples in which the strategy is first."
)
SCATTER = (
    "A dot is a strategy: its score and the accuracy of the target trained on it. Lines through it: the 95 % interval "
    "of the score and of the accuracy. The metric's first choice has the strong colour."
)
SPREAD = (
    "Box: the middle half of the questions; line in it: the median; whiskers: 5 to 95 %; large dot: the strategy's "
    "value over all questions; small dots: the questions, where they are few."
)
PAIRED = (
    "How many points of accuracy the first of two strategies is ahead of the second, both asked the same questions; "
    "bar: the 95 % interval over resampled questions. A bar across the dashed line: nothing tells the two apart."
)
ALONG = (
    "Accuracy of the target trained on each strategy with each value of the setting; upright lines: 95 % intervals of "
    "the accuracies; dashed: the untrained target."
)
SLICES = "n/a (slice means only): no scores of single questions"


@dataclass(frozen=True)
class Pair:
    """The frames of one benchmark and target; `examples` has metric -> strategy -> scores of single questions."""

    benchmark: str
    target: str
    rows: pd.DataFrame
    rankings: pd.DataFrame
    chances: pd.DataFrame | None = None
    examples: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    compared: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def title(self) -> str:
        return f"{self.benchmark} / {self.target}"

    @cached_property
    def labels(self) -> dict[str, str]:
        """Strategy -> its label."""
        sources = self.rows["source"] if "source" in self.rows else [""] * len(self.rows)
        known = {
            name: strategy_label(name, source) for name, source in zip(self.rows["strategy"], sources, strict=True)
        }
        return {name: name for name in self.rankings["strategy"]} | known

    def metrics(self) -> list[tuple[str, pd.DataFrame]]:
        """Returns each metric with its ranking, best strategy first."""
        ordered = self.rankings.sort_values(["rank", "strategy"])
        return [(name, ordered[ordered["metric"] == name]) for name in dict.fromkeys(self.rankings["metric"])]


def pair_sentences(pair: Pair) -> Markup:
    """Returns what each metric says, and below how far they can be trusted, each sentence once."""
    known = {} if pair.chances is None else {str(row["metric"]): row for _, row in pair.chances.iterrows()}
    lines, trusted = [], dict[str, list[str]]()
    for metric, ranked in pair.metrics():
        lines.append(f"{sentence(ranked)}.")
        if metric in known and known[metric]["said"]:
            said = str(known[metric]["said"]).replace(f"the metric {metric}", "this metric")
            trusted.setdefault(said, []).append(metric)
    alike = len(trusted) == 1  # of every metric the same
    return bullet_list([*lines, *(said if alike else f"{', '.join(of)}: {said}" for said, of in trusted.items())])


def draw_panels(pair: Pair, gallery: Gallery, *, drawn: Sequence[str] | None, all_rankings: bool) -> Markup:
    """Draws ranking, score against accuracy, and scores of single questions, a panel per metric.

    Args:
        pair: the benchmark and target to draw.
        gallery: where drawings go.
        drawn: metrics to draw; None for all.
        all_rankings: draws rankings even where the scatter plots show the same values and intervals.
    """
    parts, extra = [], setting_columns(pair.rows, "strategy")
    metrics = [one for one in pair.metrics() if drawn is None or one[0] in drawn]
    setups = [part for _, part in pair.rows.groupby(extra, dropna=False, sort=False)] if extra else [pair.rows]
    trained = [part for part in setups if _reached(part)]
    shared = _shared_remarks(pair, metrics)
    ranked = [_ranking(pair, *one, gallery, set(shared)) for one in metrics if all_rankings or not trained]
    notes = [f"{', '.join(of)}: {remark}." for remark, of in shared.items()]
    parts.append(_group("Ranking", RANKING, ranked, gallery, notes))
    along = draw_setting_panels(pair.rows, extra, pair.labels, pair.title, gallery)
    parts.append(_group("Accuracy along what was swept", ALONG, along, gallery))
    best = {_setup(rows, pair.compared): _first_of(rows) for rows in trained}
    paired = draw_paired_panels(pair.compared, best, pair.title, gallery)
    parts.append(_group("Differences on the same questions", PAIRED, paired, gallery))
    for rows in trained:
        where = ", ".join(f"{name} {rows[name].iloc[0]}" for name in extra if pd.notna(rows[name].iloc[0]))
        scatters = [_scatter(pair, *one, rows, where, gallery) for one in metrics]
        parts.append(_group("Score against accuracy" + (f" ({where})" if where else ""), SCATTER, scatters, gallery))
    if not trained:
        reason = f"Score against accuracy: {MISSING} (no strategy was both scored and trained)."
        parts.append(element("p", reason, class_="muted"))
    detailed = [_distribution(pair, *one, gallery) for one in metrics if one[0] in pair.examples]
    parts.append(_group("Scores of single questions", SPREAD, detailed, gallery))
    without = [metric for metric, _ in metrics if metric not in pair.examples]
    if without:
        parts.append(element("p", f"Scores of single questions of {', '.join(without)}: {SLICES}.", class_="muted"))
    return join_markup(*parts)


def _reached(rows: pd.DataFrame) -> dict[str, Mapping[Any, Any]]:
    trained = rows[rows["accuracy"].notna() & (rows["strategy"] != UNTRAINED)]
    return {row["strategy"]: row for row in trained.to_dict("records")}


def _setup(rows: pd.DataFrame, compared: pd.DataFrame) -> str:
    """The setup of these rows among the paired differences."""
    setups = [str(one) for one in compared["setup"].unique()] if len(compared) else [""]
    names = setting_columns(rows, "strategy")
    wanted = {f"{name}={rows[name].iloc[0]}" for name in names if pd.notna(rows[name].iloc[0])}
    return next((one for one in setups if wanted <= set(one.split(", "))), "")


def _first_of(rows: pd.DataFrame) -> str:
    """The best strategy among the rows of one setup."""
    return str(rows[rows["strategy"] != UNTRAINED].sort_values(["rank_accuracy", "strategy"])["strategy"].iloc[0])


def _group(title: str, words: str, figures: Sequence[Markup], gallery: Gallery, notes: Sequence[str] = ()) -> Markup:
    drawn = [one for one in figures if one]
    if not drawn:
        return Markup("")
    above = [element("p", said, class_="muted") for said in (gallery.once(words), *notes) if said]
    return join_markup(element("h3", title), *above, element("div", *drawn, class_="panels"))


def _points(pair: Pair, ranked: pd.DataFrame, rows: pd.DataFrame | None = None) -> list[charts.Point]:
    reached = {} if rows is None else _reached(rows)
    points = []
    for one in ranked.to_dict("records"):
        name, found = one["strategy"], reached.get(one["strategy"], {})
        point = charts.Point(
            label=pair.labels[name],
            value=float(one["value"]),
            low=_number(one.get("low")),
            high=_number(one.get("high")),
            p_first=_number(one.get("p_first")),
            accuracy=_number(found.get("accuracy")),
            accuracy_low=_number(found.get("accuracy_low")),
            accuracy_high=_number(found.get("accuracy_high")),
            is_pick=one["rank"] == ranked["rank"].min() and one["direction"] != "none",
        )
        points.append(point)
    return points


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _ranking(pair: Pair, metric: str, ranked: pd.DataFrame, gallery: Gallery, shared: Collection[str]) -> Markup:
    svg = charts.draw_ranking(_points(pair, ranked), metric=metric, direction=ranked["direction"].iloc[0])
    remarks = [one for one in _remarks(pair, ranked) if one not in shared]
    caption = f"Intervals: {'; '.join(remarks)}" if remarks and ranked["low"].isna().all() else "; ".join(remarks)
    words = ("ranking", pair.benchmark, pair.target, metric)
    return gallery.figure(svg, words, label=f"{pair.title}: strategies ranked by {metric}", caption=caption)


def _shared_remarks(pair: Pair, metrics: Sequence[tuple[str, pd.DataFrame]]) -> dict[str, list[str]]:
    """The remarks on rankings by several metrics, each with those metrics."""
    about: dict[str, list[str]] = {}
    for metric, ranked in metrics:
        for remark in _remarks(pair, ranked):
            about.setdefault(remark, []).append(metric)
    return {remark: of for remark, of in about.items() if len(of) > 1}


def _remarks(pair: Pair, ranked: pd.DataFrame) -> list[str]:
    """Every note once, with the strategies it is about unless those are all."""
    about: dict[str, list[str]] = {}
    for name, note in zip(ranked["strategy"], ranked["note"], strict=True):
        about.setdefault(str(note or ""), []).append(pair.labels[str(name)])
    about.pop("", None)
    return [note if len(who) == len(ranked) else f"{', '.join(who)}: {note}" for note, who in about.items()]


def _scatter(pair: Pair, metric: str, ranked: pd.DataFrame, rows: pd.DataFrame, where: str, gallery: Gallery) -> Markup:
    points = _points(pair, ranked, rows)
    lost = [point.label for point in points if point.accuracy is None]
    scored = {point.label for point in points}
    lost += [pair.labels[name] for name in _reached(rows) if pair.labels[name] not in scored]
    caption = f"Not shown, as score or accuracy is {MISSING}: {', '.join(lost)}" if lost else ""
    if len(lost) == len(points):
        return Markup("")
    base = rows.loc[rows["strategy"] == UNTRAINED, "accuracy"].dropna()
    untrained = float(base.iloc[0]) if len(base) else None
    direction = ranked["direction"].iloc[0]
    svg = charts.draw_scatter(points, metric=metric, direction=direction, untrained=untrained)
    words = ("scatter", pair.benchmark, pair.target, *([where] if where else []), metric)
    return gallery.figure(svg, words, label=f"{pair.title} {where}: {metric} against accuracy", caption=caption)


def _distribution(pair: Pair, metric: str, ranked: pd.DataFrame, gallery: Gallery) -> Markup:
    found = pair.examples[metric]
    values = {str(name): float(value) for name, value in zip(ranked["strategy"], ranked["value"], strict=True)}
    svg = charts.draw_distributions(
        {pair.labels[name]: found[name] for name in values if name in found},
        {pair.labels[name]: value for name, value in values.items() if name in found},
        metric=metric,
        direction=ranked["direction"].iloc[0],
    )
    words = ("questions", pair.benchmark, pair.target, metric)
    return gallery.figure(svg, words, label=f"{pair.title}: {metric} of single questions")
