"""report: shows rankings beside the accuracies after fine-tuning, as tables, a page, and on the terminal."""

from collections.abc import Mapping, Sequence
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
    gaps: Sequence[Mapping[str, Any]] = (),
    unvalidated: Sequence[str] = (),
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
        gaps: the jobs not done: `job`, `status` and `error` in words, and the `benchmark`, `target_model` and
            `strategies` they were about.
        unvalidated: the benchmarks without validation questions, for which nothing can be settled by pilots.

    Raises:
        UserError: there is neither a ranking nor a result.
    """
    if not rankings and not results:
        raise UserError(
            "there is nothing to report: a report shows what the other stages of the same command found or made; run "
            + command(store.job, "stage=[score,rank,finetune,benchmark,report]")
            + " (what exists is found, not made again)"
        )
    ranked = [store.read(store.open(artifact)) for artifact in rankings]
    every = pd.concat(ranked, ignore_index=True) if ranked else empty_rankings()
    metrics = list(metric.values())
    results, others = _split_results(results)
    outcomes = _recorded_outcomes(records) if records else outcomes_of(store, results)
    also = extra_results_of(store, others) if others else None
    rows = with_gaps(strategies_table(every, outcomes, also), gaps)
    rows["source"] = response_sources(rows, every, store, results)
    out = Path(folder) if records else report_folder(Path(folder), set(rows["benchmark"]), data, store.typed)
    scores = scores_of(store, rankings)
    costs = costs_of(store, rankings)
    answers = pd.DataFrame() if records else answers_of(store, results, outcomes)
    judged = judge_metrics(every, outcomes, scores, metrics, answers, conventions)
    judged = judged.merge(costs[[*PAIR, "metric", "seconds"]], on=[*PAIR, "metric"], how="left")
    if not records and len(by_others := rank_by_other_targets(outcomes)):
        judged = pd.concat([judged, metrics_table(by_others, outcomes, least=LEAST)], ignore_index=True)
    write_tables(out, rows, judged)
    write_json(out / MADE_OF, {"rankings": list(rankings), "results": results, "config": dict(store.config)})
    if len(followed := average_losses(judged, rows)):
        write_csv(out, "over_cases", followed)
        show_lines([describe_losses(followed)])
    further: dict[str, pd.DataFrame] = {}
    differences = disagreement(every)
    if every["metric"].nunique() > 1:
        write_csv(out, "agreement", agreement(every))
        write_csv(out, "disagreement", differences)
        further["Where the metrics disagree"] = differences
    if ranked:
        write_csv(out, "costs", costs)
        write_csv(out, "ranking", every)
        if len(single := single_questions(every)):
            further[SINGLE] = single
        if len(turns := turns_of(store, rankings)):
            write_csv(out, "turns", turns)
            further["Turn by turn, given what was said before"] = turns
    if also is not None:
        write_csv(out, "also", also)
        further["Further tasks of lm-eval"] = also
    if not records and len(sizes := training_data_of(store, results)):
        write_csv(out, "trained_on", sizes)
        further["What each model was trained on: responses, and the tokens of them that are learnt"] = sizes
    compared = compare_pairs(answers) if len(answers) and answers["strategy"].nunique() > 1 else pd.DataFrame()
    if len(compared):
        write_csv(out, "comparisons", compared)
        further["Trained models on the same questions"] = compared
    if not records:
        write_csv(out, "per_seed", outcomes)
    if len(questions := by_question(scores, answers)):
        write_csv(out, "per_question", questions)
    chances = None if every.empty else confidence(every)
    if len(pilots := pilot_outcomes_of(store, shortlists)):
        write_csv(out, "shortlist", pilots)
        further["Pilots: short trainings of the shortlisted, measured on validation questions"] = pilots
    samples, seen = samples_of(store, rankings)
    examples = sample_table(samples, max_tokens) if seen else pd.DataFrame()
    if len(examples):
        write_csv(out, "training_examples", examples)
        further[EXAMPLES] = examples.rename(columns=lambda name: str(name).replace("_", " "))
    tested = None if records else Tested(rows, compared, varying_settings(outcomes["setup"]))
    picked = (
        []
        if chances is None or records
        else make_picks(
            every, metric, own_files=own_files, typed=store.typed,
            unvalidated=unvalidated, scores=scores, chances=chances, judged=judged,
            tested=tested, pilots=pilots, warnings=sample_warnings(examples, seen, max_tokens, overlong),
            shown={pair: fact["example"] for pair, fact in seen.items()},
        )
    )  # fmt: skip
    show_picks(picked)
    if records:
        tables, matches = write_paper_tables(out, Path(records))
        show_paper(tables, matches, out)
        further |= {
            f"{key}, conventions: {one}": frame for one, frames in tables.items() for key, frame in frames.items()
        }
    else:
        show(name, rows, judged, differences=differences)
        show_examples(examples, max_tokens)
    spending = spending_of(store, rankings)
    if len(spending):
        write_csv(out, "responses", spending)
        further["What the responses took (teachers' tokens and US dollars as they were used)"] = spending
        show_spending(spending)
    if told := decisions(own_data):
        further["Your files: what was left out, changed or not read"] = pd.DataFrame(told, columns=["file", "what"])
    races = races_of(store, rankings)
    if len(races):
        write_csv(out, "race", races)
        further["Race: where each strategy stood after so many questions (nats per token)"] = races
        show_lines(race_sentences(races))
    if not records and len(leads := other_targets_of(store, every)):
        write_csv(out, "other_targets", leads)
        further[OTHER_TARGETS] = leads
        show_lines(describe_leads(leads))
    if not records:
        show_lines([f"Files in {out}: table.csv, metrics.csv (also md, tex), index.html"])
    write_page(
        out,
        name=name,
        rows=rows,
        judged=judged,
        rankings=every,
        scores=scores,
        chances=chances,
        provenance=_provenance(store, rankings, results),
        further=further,
        drawn=_metrics_to_draw(rows, list(dict.fromkeys(every["metric"]))),
        picks=picked,
        compared=compared,
        followed=followed,
    )
    for logger in loggers():
        _log_table(logger, rows, judged)


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
