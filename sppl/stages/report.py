"""report: rankings beside what fine-tuning really brought, as files, a plot and a table on the terminal."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sppl.analysis.agreement import agreement, disagreement
from sppl.analysis.summary import metrics_table, table
from sppl.metrics.needs import Metric
from sppl.report.plots import scatter
from sppl.report.tables import write_csv, write_tables
from sppl.report.terminal import show
from sppl.schemas import UserError
from sppl.store import Store

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger


def report(
    *,
    name: str,
    folder: str,
    metric: Mapping[str, Metric],
    rankings: Sequence[str],
    results: Sequence[str],
    store: Store,
    gaps: Sequence[Mapping[str, Any]] = (),
    loggers: Sequence["Logger"] = (),
) -> None:
    """Writes `table.csv`, `metrics.csv` (and md, tex) and the scatter plot into the folder, and shows the table.

    Args:
        rankings: names of the rankings leaves of this command.
        results: names of its results leaves; the table is the union of both.
        gaps: the failed jobs: `job` and `error` in words, and the `benchmark`, `target_model` and `strategies` they
            were about.

    Raises:
        UserError: there is neither a ranking nor a result.
    """
    if not rankings and not results:
        raise UserError(
            "there is nothing to report: a report shows what the other stages of the same command found or made; run "
            "python run.py 'stage=[score,rank,finetune,benchmark,report]' (what exists is found, not made again)"
        )
    ranked = [store.read(store.open(leaf)) for leaf in rankings]
    every = pd.concat(ranked, ignore_index=True) if ranked else _no_rankings()
    outcomes = _outcomes(store, results)
    scores = _scores(store, rankings)
    rows = table(every, outcomes)
    rows = _with_gaps(rows, gaps)
    rows["source"] = _sources(rows, every, store, results)
    judged = metrics_table(every, outcomes, scores=scores, metrics=list(metric.values()))
    out = Path(folder)
    write_tables(out, rows, judged)
    if every["metric"].nunique() > 1:
        write_csv(out, "agreement", agreement(every))
        write_csv(out, "disagreement", disagreement(every))
    if ranked:
        write_csv(out, "costs", _costs(store, rankings))
    scatter(out, rows, [one.name for one in metric.values() if one.name in rows])
    show(name, rows, judged, out)
    for logger in loggers:
        _log_table(logger, rows, judged)


def _no_rankings() -> pd.DataFrame:
    columns = ["benchmark", "target_model", "metric", "direction", "strategy", "value", "rank", "note"]
    return pd.DataFrame({column: pd.Series(dtype=float if column in ("value", "rank") else str) for column in columns})


def _outcomes(store: Store, results: Sequence[str]) -> pd.DataFrame:
    """One row per results leaf; `setup` names only the settings in which the leaves differ."""
    facts = [(store.open(name), store.provenance(store.open(name))) for name in dict.fromkeys(results)]
    setups = [fact["setup"] for _, fact in facts if fact["setup"]]
    differing = sorted({key for one in setups for key in one if any(other.get(key) != one[key] for other in setups)})
    rows: list[dict[str, Any]] = [
        {
            "benchmark": leaf.words[0],
            "target_model": leaf.words[1],
            "strategy": leaf.words[2],
            "setup": ", ".join(f"{key}={fact['setup'][key]}" for key in differing if key in fact["setup"]),
            "seed": int(fact["seed"]),
            "accuracy": float(fact["accuracy"]),
            "n_test": int(fact["rows"]),
        }
        for leaf, fact in facts
    ]
    columns = {
        "benchmark": str,
        "target_model": str,
        "strategy": str,
        "setup": str,
        "seed": "int64",
        "accuracy": float,
        "n_test": "int64",
    }
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def _with_gaps(rows: pd.DataFrame, gaps: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The table with a row, empty but for its note, for every strategy whose job failed."""
    for gap in gaps:
        for strategy in gap["strategies"]:
            key = {"benchmark": gap["benchmark"], "target_model": gap["target_model"], "strategy": strategy}
            at = (rows[list(key)] == pd.Series(key)).all(axis=1)
            note = f"failed: {gap['job']}: {gap['error']}"
            if at.any():
                rows.loc[at, "note"] = [f"{said}; {note}" if said else note for said in rows.loc[at, "note"]]
            else:
                empty = pd.DataFrame([key | {"note": note}]).reindex(columns=rows.columns)
                rows = pd.concat([rows, empty.astype(rows.dtypes.to_dict())], ignore_index=True)
    return rows


def _scores(store: Store, rankings: Sequence[str]) -> pd.DataFrame | None:
    """The scores per example the rankings were made from."""
    names = [leaf for one in rankings for leaf in store.provenance(store.open(one))["inputs"]]
    frames = [store.read(store.open(name)) for name in dict.fromkeys(names)]
    return pd.concat(frames, ignore_index=True) if frames else None


def _costs(store: Store, rankings: Sequence[str]) -> pd.DataFrame:
    """What each metric took per response: forward passes and measured seconds; empty where it was not kept."""
    rows = []
    for leaf in map(store.open, dict.fromkeys(rankings)):
        key = {"benchmark": leaf.words[0], "target_model": leaf.words[1]}
        rows += [key | {"metric": name, **cost} for name, cost in store.provenance(leaf).get("costs", {}).items()]
    return pd.DataFrame(rows, columns=["benchmark", "target_model", "metric", "passes", "seconds"])


def _sources(rows: pd.DataFrame, rankings: pd.DataFrame, store: Store, results: Sequence[str]) -> list[str]:
    """Where each strategy's responses come from (`simulated`, ...), empty for the untrained target."""
    known = {name.split("/")[3]: store.provenance(store.open(name)).get("source", "") for name in results}
    if "source" in rankings:
        known |= dict(zip(rankings["strategy"], rankings["source"], strict=True))
    return [known.get(strategy, "") for strategy in rows["strategy"]]


def _log_table(logger: "Logger", rows: pd.DataFrame, judged: pd.DataFrame) -> None:
    """The tables as a W&B table or TensorBoard text; other loggers get the Spearman of every metric."""
    from pytorch_lightning.loggers import TensorBoardLogger, WandbLogger

    from sppl.report.tables import markdown

    if isinstance(logger, WandbLogger):
        for key, frame in (("report/table", rows), ("report/metrics", judged)):
            plain = frame.astype(object).where(frame.notna(), None)
            logger.log_table(key, columns=[str(column) for column in plain], data=plain.values.tolist())
    elif isinstance(logger, TensorBoardLogger):
        logger.experiment.add_text("report/table", markdown(rows))
        logger.experiment.add_text("report/metrics", markdown(judged))
    known = judged[judged["spearman"].notna()]
    pairs = zip(known["metric"], known["spearman"].tolist(), strict=True)
    logger.log_metrics({f"report/{name}/spearman": value for name, value in pairs})
