"""report: shows rankings beside the accuracies after fine-tuning, as tables, a page, and on the terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from sppl.analysis.agreement import agreement, disagreement
from sppl.analysis.before_training import sample_table, sample_warnings
from sppl.analysis.by_question import by_question
from sppl.analysis.checks import PAIR
from sppl.analysis.confidence import confidence
from sppl.analysis.correlation import LEAST
from sppl.analysis.outcomes import varying_settings
from sppl.analysis.over_cases import average_losses, describe_losses
from sppl.analysis.paired import compare_pairs
from sppl.analysis.paper import main_outcomes, planbench_outcomes
from sppl.analysis.per_question import single_questions
from sppl.analysis.race_ranking import race_sentences
from sppl.analysis.selectors import rank_by_other_targets
from sppl.analysis.summary import metrics_table, strategies_table
from sppl.artifacts.provenance import commit, versions, write_json
from sppl.artifacts.store import Store
from sppl.commands import command
from sppl.data.files import decisions
from sppl.metrics.needs import Metric
from sppl.report.chain import MADE_OF
from sppl.report.extra_tables import ExtraTables
from sppl.report.page import write_page
from sppl.report.paper_tables import write_paper_tables
from sppl.report.picks import Tested
from sppl.report.places import report_folder
from sppl.report.tables import write_csv, write_tables
from sppl.report.terminal import show, show_examples, show_lines, show_paper, show_picks, show_spending
from sppl.schemas import UserError
from sppl.study.judging import judge_metrics
from sppl.study.loggers import Loggers, no_loggers
from sppl.study.other_targets import describe_leads, other_targets_of
from sppl.study.parts import Part, join_parts, part_of, read_once, read_parts
from sppl.study.picking import make_picks
from sppl.study.pilot_summary import pilot_outcomes_of
from sppl.study.reported import (
    answers_of,
    costs_of,
    empty_rankings,
    extra_results_of,
    outcomes_of,
    races_of,
    response_sources,
    scores_of,
    training_data_of,
    turns_of,
    with_gaps,
)
from sppl.study.samples import samples_of
from sppl.study.spending import spending_of

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger

DRAWN_PAIRS = 12
"""Benchmarks times targets whose plots are drawn one by one; with more the page has heat maps and tables only."""
DRAWN_ROWS = 1000
"""Strategies times metrics times pairs whose plots are drawn; of more, the first metrics that fit, one at least."""
SINGLE = (
    "What single questions say: share each strategy wins, their spread as a multiple of that between strategies, and "
    "how many questions give the same order"
)
EXAMPLES = "The scored responses as training examples: tokens, how many are longer than may be, how many are wrong"
TRAINED_ON = "What each model was trained on: responses, and the tokens of them that are learnt"
OTHER_TARGETS = "Your other targets, trained on the same strategies: lead over the mean of what each was trained on"


def report(
    *,
    name: str,
    folder: str,
    metric: Mapping[str, Metric],
    conventions: Literal["default", "paper"],
    rankings: Sequence[str],
    results: Sequence[str],
    store: Store,
    max_tokens: int | None = None,
    overlong: str = "refuse",
    data: str | None = None,
    records: str | None = None,
    own_files: str | None = None,
    own_data: object = None,
    shortlists: Sequence[str] = (),
    parts: Sequence[Part] = (),
    references: Sequence[str] = (),
    gaps: Sequence[Mapping[str, Any]] = (),
    unsettled: Mapping[str, str] | None = None,
    loggers: Loggers = no_loggers,
) -> None:
    """Writes `table.csv`, `metrics.csv` (and md, tex) and `index.html` into the folder, and shows the table.

    Args:
        conventions: whose arithmetic `spearman` follows; the other's is in the column beside it.
        rankings: names of the rankings of this command.
        results: names of its results; the table is the union of both.
        max_tokens, overlong: of the training, of whose limit is warned.
        data: the folder of a user's own data, after which the report's folder is called.
        records: folder of the published records, whose outcomes then take the place of results.
        own_files: the folder whose files are the strategies, where they are no options of `strategy`.
        own_data: where the questions come from; of own files the page says what was left out.
        shortlists: names of its shortlists, settled by pilots.
        parts: how these belong together, where rankings of one benchmark and target were made with several settings;
            the tables name each benchmark with the settings of its part.
        references: strategies that are trained and shown, never ranked.
        gaps: the jobs not done: `job`, `status` and `error` in words, and the `benchmark`, `target_model`, `strategies`
            and `settings` (of a part) they were about.
        unsettled: the benchmarks for which nothing can be settled by pilots, each with the reason.

    Raises:
        UserError: there is neither a ranking nor a result.
    """
    if not rankings and not results:
        raise UserError(
            "there is nothing to report: a report shows what the other stages of the same command found or made; run "
            + command(store.job, "stage=[score,rank,finetune,benchmark,report]")
            + " (what exists is found, not made again)"
        )
    parts = parts or (Part((), rankings, results, shortlists, own_data),)
    contents = _combine(parts, [_read(store, metric, conventions, part, records, references) for part in parts], gaps)
    tasks = {part_of(name, parts)[0] for name in contents.rows["benchmark"]}
    one_folder = None if any(word.startswith("data_dir=") for part in parts for word in part.settings) else data
    out = Path(folder) if records else report_folder(Path(folder), tasks, one_folder, store.typed)
    write_tables(out, contents.rows, contents.judged)
    made_of = {"rankings": list(rankings), "results": contents.results}
    write_json(out / MADE_OF, {**made_of, "config": dict(store.config)})
    followed = average_losses(contents.judged, contents.rows)
    extra = ExtraTables(out)
    if extra.add(followed, "over_cases"):
        show_lines([describe_losses(followed)])
    _add_rankings(extra, contents, store, parts)
    _add_outcomes(extra, contents, store, parts, records)
    pilots = read_parts(parts, lambda part: pilot_outcomes_of(store, part.shortlists))
    extra.add(pilots, "shortlist", "Pilots: short trainings of the shortlisted, measured on validation questions")
    sampled = [samples_of(store, part.rankings) for part in parts]
    samples = join_parts(parts, [rows for rows, _ in sampled])
    seen = dict[tuple[str, str], Any]()
    for part, (_, facts) in zip(parts, sampled, strict=True):
        seen |= part.mark_pairs(facts)
    examples = sample_table(samples, max_tokens) if seen else pd.DataFrame()
    if extra.add(examples, "training_examples"):
        extra.show(examples.rename(columns=lambda column: str(column).replace("_", " ")), EXAMPLES)
    picked = []
    if contents.chances is not None and not records:
        picked = make_picks(
            contents.rankings, metric, own_files=own_files, typed=store.typed, parts=parts,
            unsettled=unsettled, scores=contents.scores, chances=contents.chances,
            judged=contents.judged, pilots=pilots,
            tested=Tested(contents.rows, contents.compared, varying_settings(contents.outcomes["setup"])),
            warnings=sample_warnings(examples, seen, max_tokens, overlong),
            shown={pair: fact["example"] for pair, fact in seen.items()},
        )  # fmt: skip
    show_picks(picked)
    if records:
        _show_paper(extra, Path(records))
    else:
        show(name, contents.rows, contents.judged, differences=disagreement(contents.rankings))
        show_examples(examples, max_tokens)
    _add_circumstances(extra, store, parts, records)
    if not records:
        show_lines([f"Files in {out}: table.csv, metrics.csv (also md, tex), index.html"])
    write_page(
        out, name=name, rows=contents.rows, judged=contents.judged, rankings=contents.rankings,
        scores=contents.scores, chances=contents.chances, provenance=_provenance(store, rankings, contents.results),
        further=extra.shown, picks=picked, compared=contents.compared, followed=followed,
        drawn=_metrics_to_draw(contents.rows, list(dict.fromkeys(contents.rankings["metric"]))),
    )  # fmt: skip
    for logger in loggers():
        _log_table(logger, contents.rows, contents.judged)


@dataclass(frozen=True)
class _Contents:
    """The frames that a report shows.

    Args:
        rankings: all rankings as one table; may be empty.
        results: names of the results on the benchmarks' own questions.
        outcomes: one row per result.
        also: figures of extra tasks; None where there are none.
        rows: the table of strategies.
        scores: of single responses; None where they lie in another store.
        costs: what each metric took per response.
        answers: of trained models to single test questions.
        judged: the table that judges the metrics.
        compared: paired differences between trained models.
        chances: how far the rankings can be trusted; None without rankings.
    """

    rankings: pd.DataFrame
    results: list[str]
    outcomes: pd.DataFrame
    also: pd.DataFrame | None
    rows: pd.DataFrame
    scores: pd.DataFrame | None
    costs: pd.DataFrame
    answers: pd.DataFrame
    judged: pd.DataFrame
    compared: pd.DataFrame
    chances: pd.DataFrame | None


def _read(
    store: Store,
    metric: Mapping[str, Metric],
    conventions: Literal["default", "paper"],
    part: Part,
    records: str | None,
    references: Sequence[str],
) -> _Contents:
    """Reads what a report shows of a part; the other arguments are those of `report`."""
    every = _ranked(store, part)
    own, others = _split_results(part.results)
    outcomes = _recorded_outcomes(records) if records else outcomes_of(store, own)
    also = extra_results_of(store, others) if others else None
    rows = strategies_table(every, outcomes, also)
    rows["source"] = response_sources(rows, every, store, own)
    scores, costs = scores_of(store, part.rankings), costs_of(store, part.rankings)
    answers = pd.DataFrame() if records else answers_of(store, own, outcomes)
    judged = judge_metrics(
        every, outcomes, scores, list(metric.values()), answers, conventions, None if records else references
    )
    judged = judged.merge(costs[[*PAIR, "metric", "seconds"]], on=[*PAIR, "metric"], how="left")
    if not records and len(by_others := rank_by_other_targets(outcomes)):
        by_others = metrics_table(by_others, outcomes, least=LEAST, references=references)
        judged = pd.concat([judged, by_others], ignore_index=True)
    compared = compare_pairs(answers) if len(answers) and answers["strategy"].nunique() > 1 else pd.DataFrame()
    chances = None if every.empty else confidence(every)
    return _Contents(every, own, outcomes, also, rows, scores, costs, answers, judged, compared, chances)


def _combine(parts: Sequence[Part], read: Sequence[_Contents], gaps: Sequence[Mapping[str, Any]]) -> _Contents:
    """Returns what was read of all parts, each benchmark named with its part's settings, and rows for the gaps."""

    def joined(name: str) -> Any:
        frames = [
            part.mark(frame) for part, one in zip(parts, read, strict=True) if (frame := vars(one)[name]) is not None
        ]
        filled = [frame for frame in frames if len(frame)]
        return pd.concat(filled, ignore_index=True) if len(filled) > 1 else next(iter(filled or frames), None)

    frames = {one.name: joined(one.name) for one in fields(_Contents) if one.name != "results"}
    frames["rows"] = with_gaps(frames["rows"], gaps)
    frames["rows"]["source"] = frames["rows"]["source"].fillna("")
    return _Contents(results=list(dict.fromkeys(name for one in read for name in one.results)), **frames)


def _add_rankings(extra: ExtraTables, contents: _Contents, store: Store, parts: Sequence[Part]) -> None:
    """Adds what the rankings say beside their values: agreement, costs, single questions, turns."""
    every = contents.rankings
    if every["metric"].nunique() > 1 and every["strategy"].nunique() > 1:
        extra.add(agreement(every), "agreement")
        extra.add(disagreement(every), "disagreement", "Where the metrics disagree")
    if len(every):
        write_csv(extra.folder, "costs", contents.costs)
        extra.add(every, "ranking")
        extra.show(single_questions(every), SINGLE)
        turns = read_parts(parts, lambda part: turns_of(store, part.rankings))
        extra.add(turns, "turns", "Turn by turn, given what was said before")


def _add_outcomes(
    extra: ExtraTables, contents: _Contents, store: Store, parts: Sequence[Part], records: str | None
) -> None:
    """Adds what training brought: extra tasks, sizes, paired differences, seeds, single questions."""
    if contents.also is not None:
        extra.add(contents.also, "also", "Further tasks of lm-eval")
    if not records:
        own = [replace(part, results=_split_results(part.results)[0]) for part in parts]
        extra.add(read_parts(own, lambda part: training_data_of(store, part.results)), "trained_on", TRAINED_ON)
    extra.add(contents.compared, "comparisons", "Trained models on the same questions")
    if not records:
        write_csv(extra.folder, "per_seed", contents.outcomes)
    extra.add(by_question(contents.scores, contents.answers), "per_question")


def _add_circumstances(extra: ExtraTables, store: Store, parts: Sequence[Part], records: str | None) -> None:
    """Adds and prints the costs of responses, remarks on a user's own files, races, and other targets' results."""
    spending = read_once(parts, lambda part: spending_of(store, part.rankings), "benchmark")
    if extra.add(spending, "responses", "What the responses took (teachers' tokens and US dollars as they were used)"):
        show_spending(spending)
    remarks = read_once(parts, lambda part: pd.DataFrame(decisions(part.own_data), columns=["file", "what"]), "file")
    extra.show(remarks, "Your files: what was left out, changed or not read")
    races = read_parts(parts, lambda part: races_of(store, part.rankings))
    if extra.add(races, "race", "Race: where each strategy stood after so many questions (nats per token)"):
        show_lines(race_sentences(races))
    if not records:
        leads = read_parts(parts, lambda part: other_targets_of(store, _ranked(store, part)))
        if extra.add(leads, "other_targets", OTHER_TARGETS):
            show_lines(describe_leads(leads))


def _ranked(store: Store, part: Part) -> pd.DataFrame:
    """The rankings of a part as one table."""
    ranked = [store.read(store.open(artifact)) for artifact in part.rankings]
    return pd.concat(ranked, ignore_index=True) if ranked else empty_rankings()


def _show_paper(extra: ExtraTables, records: Path) -> None:
    """Writes and prints the paper's tables, and shows them on the page."""
    tables, matches = write_paper_tables(extra.folder, records)
    show_paper(tables, matches, extra.folder)
    for conventions, frames in tables.items():
        for key, frame in frames.items():
            extra.show(frame, f"{key}, conventions: {conventions}")


def _metrics_to_draw(rows: pd.DataFrame, metrics: list[str]) -> list[str] | None:
    """The metrics with plots per pair; None for all of them."""
    pairs = len(rows[PAIR].drop_duplicates())
    if pairs > DRAWN_PAIRS:
        return []
    fitting = max(1, DRAWN_ROWS // max(1, pairs * rows["strategy"].nunique()))
    return None if len(metrics) <= fitting else metrics[:fitting]


def _split_results(results: Sequence[str]) -> tuple[list[str], list[str]]:
    """The artifacts of the benchmark's own results, and those of further tasks."""
    own, others = ([name for name in results if name.startswith(kind)] for kind in ("results/", "also_results/"))
    return own, others


def _provenance(store: Store, rankings: Sequence[str], results: Sequence[str]) -> dict[str, Any]:
    made_of = {"rankings": list(rankings), "results": list(results), "store": store.root}
    return {"command": store.command, **made_of, "commit": commit(), "versions": versions()}


def _recorded_outcomes(records: str) -> pd.DataFrame:
    """The published outcomes of the runs behind the paper's tables; the training settings are the tables' own."""
    source = Store(records)
    runs = source.read(source.artifacts("outcomes")[0])
    return pd.concat([main_outcomes(runs), planbench_outcomes(runs)], ignore_index=True).assign(setup="")


def _log_table(logger: "Logger", rows: pd.DataFrame, judged: pd.DataFrame) -> None:
    """The tables as a W&B table or TensorBoard text; other loggers get the Spearman of every metric."""
    from pytorch_lightning.loggers import TensorBoardLogger, WandbLogger

    from sppl.report.tables import to_markdown

    if isinstance(logger, WandbLogger):
        for key, frame in (("report/table", rows), ("report/metrics", judged)):
            plain = frame.astype(object).where(frame.notna(), None)
            logger.log_table(key, columns=[str(column) for column in plain], data=plain.values.tolist())
    elif isinstance(logger, TensorBoardLogger):
        logger.experiment.add_text("report/table", to_markdown(rows))
        logger.experiment.add_text("report/metrics", to_markdown(judged))
    known = judged[judged["spearman"].notna()]
    pairs = zip(known["metric"], known["spearman"].tolist(), strict=True)
    logger.log_metrics({f"report/{name}/spearman": value for name, value in pairs})
