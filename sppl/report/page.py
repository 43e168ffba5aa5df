"""Writes the report as one self-contained HTML page, readable on a screen or a phone."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import pandas as pd

from sppl.analysis.bed_checks import shipped_checks
from sppl.analysis.over_cases import describe_losses
from sppl.artifacts.provenance import write_anew
from sppl.report import charts, page_tables
from sppl.report.gallery import Gallery
from sppl.report.markup import Markup, bullet_list, element, join_markup
from sppl.report.page_tables import PAIR, setting_columns
from sppl.report.pairs import Pair, draw_panels, pair_sentences
from sppl.report.picks import Pick
from sppl.report.tables import interval_words

PAGE = "index.html"
OPEN_PAIRS = 4
"""Up to so many pairs of benchmark and target are shown open; more are folded."""
STRATEGIES = (
    "Values, the rank in parentheses (1 = best). Accuracy of the fine-tuned target, its 95 % interval (Wilson's); gain "
    "over the untrained target. A heading sorts, a second time the other way round."
)
METRICS = (
    "Spearman: rank correlation with accuracy, positive where the metric predicted well. Regret: what following the "
    "metric costs against the best strategy. Spread: standard deviation of the strategies' accuracies. Pick beats "
    "runner-up: the chance of it, where such chances were checked on this kind of data."
)
HEAT = (
    "Spearman between a metric's order and the accuracies: 1 (blue) the order was right, -1 (red) it was upside down."
)
TRUST = (
    "How often the better-scored of two strategies really trained better, as the gap between their scores predicted: "
    "learned on other test beds, checked on the one of this kind of data. On the dashed line a prediction is as good "
    "as its word."
)


def write_page(
    folder: Path,
    *,
    name: str,
    rows: pd.DataFrame,
    judged: pd.DataFrame,
    rankings: pd.DataFrame,
    scores: pd.DataFrame | None,
    chances: pd.DataFrame | None,
    provenance: Mapping[str, Any],
    further: Mapping[str, pd.DataFrame] | None = None,
    drawn: Sequence[str] | None = None,
    picks: Sequence[Pick] = (),
    compared: pd.DataFrame | None = None,
    followed: pd.DataFrame | None = None,
) -> Path:
    """Writes `index.html` and `plots/*.svg` into a folder; returns the path of the page.

    Args:
        folder: of the report; made where it is missing.
        name: of the report.
        rows: of `sppl.analysis.summary.strategies_table`; a column `source` marks simulated strategies.
        judged: of `sppl.analysis.summary.metrics_table`.
        rankings: of `sppl.analysis.ranking.rank`; may be empty.
        scores: those of single questions are drawn; None where there are none.
        chances: of `sppl.analysis.confidence.confidence`; None omits them.
        provenance: what made it, in plain data; `command` (a string or a list) comes first and as code.
        further: titles and other tables to show, as they are.
        picks: what to go on with, per benchmark and target.
        compared: of `sppl.analysis.paired.compare_pairs`; drawn where the outcomes are.
        followed: of `sppl.analysis.over_cases.average_losses`; without rows it is left out.
        drawn: metrics with panels for every pair (each panel takes some 30 ms); None draws all.
    """
    gallery = Gallery(folder / "plots")
    pairs = _pairs(rows, rankings, scores, chances, compared)
    many = len(pairs) > OPEN_PAIRS
    metrics = [str(metric) for metric in dict.fromkeys(rankings["metric"])]
    body = join_markup(
        element("header", element("h1", name), element("p", _about(pairs, metrics, drawn), class_="muted")),
        *_decision(picks),
        _section("Which metric to follow", describe_losses(followed), page_tables.plain_table(followed))
        if followed is not None and len(followed)
        else "",
        _heat(judged, gallery)
        if len(judged[[*PAIR, *setting_columns(judged, "metric")]].drop_duplicates()) > 1
        else "",
        *([] if many else _each(pairs, gallery, drawn)),
        _section("Strategies", STRATEGIES, page_tables.strategies_table(rows, metrics)),
        _section("Metrics", _about_metrics(judged), page_tables.metrics_table(judged, chances)) if len(judged) else "",
        *(_section(title, "", page_tables.plain_table(frame)) for title, frame in (further or {}).items()),
        *(_each(pairs, gallery, drawn) if many else []),
        _trust(chances, gallery),
        _section("How it was made", "", _provenance(provenance)),
    )
    gallery.tidy()
    page = folder / PAGE
    write_anew(page, _whole(name, body))
    return page


def _pairs(
    rows: pd.DataFrame,
    rankings: pd.DataFrame,
    scores: pd.DataFrame | None,
    chances: pd.DataFrame | None,
    compared: pd.DataFrame | None,
) -> list[Pair]:
    differences = {} if compared is None or compared.empty else dict(list(compared.groupby(PAIR)))
    of_rows, of_rankings = dict(list(rows.groupby(PAIR))), dict(list(rankings.groupby(PAIR)))
    of_chances = {} if chances is None else dict(list(chances.groupby(PAIR)))
    examples: dict[Any, dict[str, dict[str, Any]]] = {}
    if scores is not None and "example_id" in scores:
        single = scores[scores["example_id"].notna()]
        for (*pair, metric, strategy), part in single.groupby([*PAIR, "metric", "strategy"])["value"]:
            examples.setdefault(tuple(pair), {}).setdefault(str(metric), {})[str(strategy)] = part.to_numpy(float)
    keys = sorted(of_rows.keys() | of_rankings.keys())
    return [
        Pair(
            benchmark=str(key[0]),
            target=str(key[1]),
            rows=of_rows.get(key, rows[:0]),
            rankings=of_rankings.get(key, rankings[:0]),
            chances=of_chances.get(key),
            compared=differences.get(key, pd.DataFrame()),
            examples=_of_one_ranking(examples.get(key, {}), of_rankings.get(key, rankings[:0])),
        )
        for key in keys
    ]


def _of_one_ranking(examples: dict[str, dict[str, Any]], rankings: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The metrics whose every ranked strategy has scores of single questions."""
    asked = rankings.groupby("metric")["strategy"].agg(set)
    return {metric: found for metric, found in examples.items() if asked.get(metric, {""}) <= found.keys()}


def _about(pairs: list[Pair], metrics: list[str], drawn: Sequence[str] | None) -> str:
    benchmarks, targets = ({getattr(pair, key): 0 for pair in pairs} for key in ("benchmark", "target"))
    where = f"{_counted(benchmarks, 'benchmark')}, {_counted(targets, 'target model')}"
    ranked = f"{_counted(metrics, 'metric')}" if metrics else "nothing was ranked"
    shown = f"Plots per pair of {', '.join(drawn)} only" if drawn else "No plots per pair, there are too many"
    only = "" if drawn is None else f" {shown}; the tables have all metrics."
    return f"{where}; {ranked}.{only}"


def _about_metrics(judged: pd.DataFrame) -> str:
    told = interval_words(judged)
    return f"{METRICS} {told}." if told else METRICS


def _counted(names: Any, word: str) -> str:
    known = list(names)
    return f"{word}{'s' * (len(known) > 1)} {', '.join(known)}" if len(known) < 6 else f"{len(known)} {word}s"


def _section(title: str, words: str, *parts: str) -> Markup:
    about = [element("p", words, class_="muted")] if words else []
    return join_markup(element("section", element("h2", title), *about, *parts), Markup("\n"))


def _decision(picked: Sequence[Pick]) -> list[Markup]:
    """The picks with runner-up, risk and what would settle them; many pairs share a table."""
    if len(picked) > OPEN_PAIRS:
        return [_section("The picks", "", page_tables.picks_table(picked))]
    return [_pick(one) for one in picked]


def _pick(pick: Pick) -> Markup:
    facts = [("What it rests on", pick.why), ("What it may cost to be wrong", (pick.risk,)), ("Caveats", pick.caveats)]
    told = [
        element("dt", what) + element("dd", *(element("p", one) for one in said)) for what, said in facts if any(said)
    ]
    lines = [
        join_markup(element("p", f"{what}:"), element("pre", element("code", line))) for what, line in pick.commands
    ]
    facts = element("dl", *(Markup(one) for one in told), class_="decision")
    return _section(pick.title, "", facts, *lines, _example(pick.example))


def _example(example: Mapping[str, Any]) -> Markup:
    """One question with each strategy's response, an own answer of the target and the whole prompt, folded."""
    if not example:
        return Markup("")
    texts = [("The question", example["question"])]
    texts += [(f"Response of {name}", text) for name, text in example["responses"].items()]
    texts += [("An own answer of the target", example["own_answer"])]
    texts += [("The prompt as the model sees it when a response is scored", example["prompt"])]
    parts = [element("h3", what) + element("pre", text, class_="text") for what, text in texts if text]
    inner = [Markup(one) for one in parts]
    return element("details", element("summary", "An example of each strategy, and of the prompt"), *inner)


def _each(pairs: list[Pair], gallery: Gallery, drawn: Sequence[str] | None) -> list[Markup]:
    many = len(pairs) > OPEN_PAIRS
    parts = []
    for pair in pairs:
        shown = join_markup(pair_sentences(pair), draw_panels(pair, gallery, drawn=drawn, all_rankings=not many))
        if many:
            shown = element("details", element("summary", pair.title), shown)
        parts.append(shown if many else _section(pair.title, "", shown))
    return [_section(f"Each of {len(pairs)} pairs", "A title opens and closes.", *parts)] if many else parts


def _heat(judged: pd.DataFrame, gallery: Gallery) -> Markup:
    extra = setting_columns(judged, "metric")
    tasks = [
        " ".join(str(value) for value in row if pd.notna(value)) for row in judged[["benchmark", *extra]].to_numpy()
    ]
    named = judged.assign(task=tasks)
    figures = []
    for metric in dict.fromkeys(judged["metric"]):
        part = named[named["metric"] == metric]
        if part["spearman"].isna().all():  # the table of metrics says why
            continue
        table = part.pivot(index="task", columns="target_model", values="spearman")
        table = table.reindex(index=list(dict.fromkeys(part["task"])))
        svg = charts.draw_heat_map(table, metric=str(metric))
        figures.append(gallery.figure(svg, ("spearman", str(metric)), label=f"Spearman of {metric} by task and target"))
    shown = element("div", *figures, class_="maps")
    return _section("Spearman by task and target", HEAT, shown) if figures else Markup("")


def _trust(chances: pd.DataFrame | None, gallery: Gallery) -> Markup:
    """The check of the chances that the page states; nothing where it states none."""
    beds, figures = shipped_checks(), []
    stated = [] if chances is None else chances[chances["chance"].notna()].to_dict("records")
    for bed, metric in dict.fromkeys((row["bed"], row["metric"]) for row in stated):
        found = beds[bed]["chances"][metric]
        caption = (
            f"{bed}: {found['n']} comparisons; Brier score {found['brier']:.3f}, a coin's {found['coin']:.3f}; learned "
            f"on {', '.join(found['fitted_on'])}"
        )
        svg = charts.draw_reliability(found["reliability"], metric=metric)
        label = f"Reliability of {metric} on {bed}"
        figures.append(gallery.figure(svg, ("reliability", bed, metric), label=label, caption=caption))
    if not figures:
        return Markup("")
    about = "Made by: python experiments/beds/check.py"
    parts = [element("div", *figures, class_="panels"), element("p", about, class_="muted")]
    return _section("How far a gap can be trusted", TRUST, *parts)


def _provenance(provenance: Mapping[str, Any]) -> Markup:
    asked = provenance.get("command", [])
    commands = [asked] if isinstance(asked, str) else list(asked)
    facts = [(key, value) for key, value in provenance.items() if key != "command"]
    parts = [element("dt", key) + element("dd", _fact(value)) for key, value in facts]
    return join_markup(
        element("pre", element("code", "\n".join(map(str, commands)))) if commands else "",
        element("dl", *(Markup(part) for part in parts)),
    )


def _fact(value: Any) -> Markup:
    if isinstance(value, Mapping) and all(isinstance(one, str | int | float) for one in value.values()):
        return bullet_list([f"{key}: {one}" for key, one in value.items()])
    if isinstance(value, Mapping | list | tuple):
        text = json.dumps(value, indent=1, ensure_ascii=False, default=str)
        return element("details", element("summary", "show"), element("pre", text))
    return join_markup(str(value))


def _whole(name: str, body: str) -> str:
    here = files("sppl.report")
    style, script = (here.joinpath(file).read_text(encoding="utf-8") for file in ("page.css", "page.js"))
    allowed = b64encode(sha256(script.encode()).digest()).decode()
    skeleton = Template(here.joinpath("page.html").read_text(encoding="utf-8"))
    return skeleton.substitute(title=join_markup(name), style=style, script=script, body=body, allowed=allowed)
