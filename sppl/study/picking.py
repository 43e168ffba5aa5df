"""Picks the strategy to train on, from rankings and results: for a report, or for a command that only ranks."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd

from sppl.analysis.before_training import sample_table, sample_warnings
from sppl.analysis.checks import PAIR
from sppl.analysis.confidence import confidence
from sppl.analysis.outcomes import varying_settings
from sppl.analysis.paired import compare_pairs
from sppl.analysis.summary import strategies_table
from sppl.artifacts.store import Store
from sppl.metrics.leading import leading
from sppl.metrics.needs import Metric
from sppl.metrics.rank_average import RankAverage
from sppl.report.next_step import full_command, next_command, settling_command
from sppl.report.picks import Pick, Tested, make_pick_list
from sppl.report.settled import read_settled
from sppl.report.terminal import show, show_examples, show_picks
from sppl.study.judging import judge_metrics
from sppl.study.parts import Part, part_of
from sppl.study.reported import answers_of, outcomes_of, response_sources, scores_of
from sppl.study.samples import samples_of


def make_picks(
    rankings: pd.DataFrame,
    metric: Mapping[str, Metric],
    *,
    own_files: str | None,
    typed: Sequence[str],
    parts: Sequence[Part] = (),
    unsettled: Mapping[str, str] | None = None,
    scores: pd.DataFrame | None,
    chances: pd.DataFrame,
    judged: pd.DataFrame | None = None,
    tested: Tested | None = None,
    pilots: pd.DataFrame | None = None,
    warnings: Mapping[tuple[str, str], Sequence[str]] | None = None,
    shown: Mapping[tuple[str, str], Mapping[str, Any]] | None = None,
) -> list[Pick]:
    """Returns one pick per benchmark and target: by tests, else by pilots, else by the leading metric.

    That is the metric of the race, or the first one with a direction.

    Args:
        rankings: of `sppl.analysis.ranking.rank`; may be empty.
        metric: those of the command.
        own_files: the folder whose files are the strategies, where they are no options of `strategy`.
        typed: the command line, from which the commands that follow are made.
        parts: of the report, by whose settings the commands differ.
        unsettled: benchmarks for which nothing could be settled by pilots, each with the reason.
        scores, chances, judged, tested, warnings, shown: as `sppl.report.picks.make_pick_list` wants them.
        pilots: of `sppl.study.pilot_summary.pilot_outcomes_of`.
    """
    metrics = list(metric.values())
    lead = leading(metrics) or next((one for one in metrics if one.higher_is_better is not None), None)
    if lead is None or rankings.empty:
        return []
    from_files = own_files is not None
    known, named = unsettled or {}, {str(one): part_of(str(one), parts)[0] for one in rankings["benchmark"].unique()}
    lacking = {one: known[own] for one, own in named.items() if own in known}

    def command_of(benchmark: str, target: str, strategy: str, done: bool) -> str:
        made, (own, part) = full_command if done else next_command, part_of(benchmark, parts)
        return made(part.command(typed), strategy, benchmark=own, target_model=target, from_files=from_files)

    def settling(benchmark: str, target: str) -> str:
        own, part = part_of(benchmark, parts)
        if benchmark in lacking:
            return ""
        here = rankings[(rankings["benchmark"] == benchmark) & (rankings["target_model"] == target)]
        names = list(dict.fromkeys(here["strategy"]))
        return settling_command(part.command(typed), names, benchmark=own, target_model=target, from_files=from_files)

    trained = judged is not None and bool(judged["regret"].notna().any())
    more = [] if trained else [settling]
    composites = {one.name: [part.name for part in one.metrics] for one in metrics if isinstance(one, RankAverage)}
    return make_pick_list(
        rankings, chances, lead.name, command_of, *more,
        settled=read_settled(pd.DataFrame() if pilots is None else pilots),
        judged=judged, tested=tested, scores=scores, unsettled=lacking, composites=composites, warnings=warnings,
        shown=shown,
    )  # fmt: skip


def show_ranked(
    *,
    name: str,
    metric: Mapping[str, Metric],
    own_files: str | None,
    max_tokens: int | None,
    overlong: str,
    conventions: Literal["default", "paper"],
    references: Sequence[str] = (),
    parts: Sequence[Part],
    store: Store,
    unsettled: Mapping[str, str] | None = None,
) -> None:
    """Prints the picks and the table of a command that ranks and makes no report; writes nothing.

    Args:
        references: strategies that are trained and shown, never ranked.
        parts: what was ranked, and results that earlier commands made with the same settings.
        unsettled: as `make_picks` wants it.
    """
    for part in parts:
        every = pd.concat([store.read(store.open(one)) for one in part.rankings], ignore_index=True)
        results = [name for name in part.results if name.startswith("results/")]
        outcomes = outcomes_of(store, results)
        rows, answers = strategies_table(every, outcomes), answers_of(store, results, outcomes)
        rows["source"] = response_sources(rows, every, store, results)
        chances, scores = confidence(every), scores_of(store, part.rankings)
        samples, facts = samples_of(store, part.rankings)
        examples = sample_table(samples, max_tokens) if facts else pd.DataFrame()
        warnings = part.mark_pairs(sample_warnings(examples, facts, max_tokens, overlong))
        judged = every[[*PAIR, "metric", "direction"]].drop_duplicates()
        tested = None
        if results:
            judged = judge_metrics(every, outcomes, scores, list(metric.values()), answers, conventions, references)
            compared = compare_pairs(answers) if answers["strategy"].nunique() > 1 else pd.DataFrame()
            tested = Tested(part.mark(rows), part.mark(compared), varying_settings(outcomes["setup"]))
        picks = make_picks(
            part.mark(every), metric, own_files=own_files, typed=store.typed, parts=parts,
            scores=None if scores is None else part.mark(scores), chances=part.mark(chances), warnings=warnings,
            judged=part.mark(judged) if results else None, tested=tested, unsettled=unsettled,
        )  # fmt: skip
        show_picks(picks)
        show(name, part.mark(rows), part.mark(judged))
        show_examples(part.mark(examples), max_tokens)
