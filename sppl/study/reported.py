"""Reads what a report shows: outcomes from results, scores behind rankings, rows for jobs that are not done."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from sppl.analysis.checks import PAIR
from sppl.analysis.outcomes import UNTRAINED
from sppl.analysis.race_ranking import on_shared_questions
from sppl.artifacts.store import Store
from sppl.prompts import GivenQuestion
from sppl.schemas import validate
from sppl.study.parts import Part


def empty_rankings() -> pd.DataFrame:
    """Returns a ranking without rows, for a command that only trained."""
    columns = ["benchmark", "target_model", "metric", "direction", "strategy", "value", "rank", "note"]
    return pd.DataFrame({column: pd.Series(dtype=float if column in ("value", "rank") else str) for column in columns})


def outcomes_of(store: Store, results: Sequence[str]) -> pd.DataFrame:
    """Returns one row per results artifact; `setup` names only the settings in which they differ."""
    rows: list[dict[str, Any]] = [
        key | {"accuracy": float(fact["accuracy"]), "n_test": int(fact["rows"])} for key, fact in _runs(store, results)
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


def training_data_of(store: Store, results: Sequence[str]) -> pd.DataFrame:
    """Returns what each trained model learnt from: `responses`, their `tokens` and the `tokens per response`.

    Seeds share a row. Models whose results do not say it (made before it was recorded) have no row.
    """
    rows = [
        {name: key[name] for name in (*PAIR, "strategy", "setup")} | fact["trained_on"]
        for key, fact in _runs(store, results)
        if "trained_on" in fact
    ]
    frame = pd.DataFrame(rows).drop_duplicates(ignore_index=True)
    return frame.assign(**{"tokens per response": frame["tokens"] / frame["responses"]}) if len(frame) else frame


def extra_results_of(store: Store, artifacts: Sequence[str]) -> pd.DataFrame:
    """Returns one row per trained model, extra task and metric; a task's main metric comes first."""
    rows = [key | {"task": fact["settings"]["task"]["task"]} | figure for key, fact in _runs(store, artifacts)
            for figure in fact["figures"]]  # fmt: skip
    return pd.DataFrame(rows)


def _runs(store: Store, artifacts: Sequence[str]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The key columns and the provenance of each artifact of results."""
    facts = [(store.open(name), store.provenance(store.open(name))) for name in dict.fromkeys(artifacts)]
    setups = [fact["setup"] for _, fact in facts if fact["setup"]]
    keys = {key for one in setups for key in one}
    differing = sorted(key for key in keys if len({repr(one.get(key)) for one in setups}) > 1)
    return [
        (
            {
                "benchmark": artifact.words[0],
                "target_model": artifact.words[1],
                "strategy": artifact.words[2],
                "setup": ", ".join(f"{key}={fact['setup'][key]}" for key in differing if key in fact["setup"]),
                "seed": int(fact["seed"]),
            },
            fact,
        )
        for artifact, fact in facts
    ]


def answers_of(store: Store, results: Sequence[str], outcomes: pd.DataFrame) -> pd.DataFrame:
    """Returns a row per trained model and test question for `sppl.analysis.paired`; `outcomes` are of these results."""
    keys = ["benchmark", "target_model", "setup", "strategy", "seed"]
    names = list(dict.fromkeys(results))
    runs = outcomes[keys].assign(artifact=names)
    trained = runs[runs["strategy"] != UNTRAINED]
    if trained.empty:
        return pd.DataFrame()
    frames = {name: store.unchecked(store.open(name)) for name in trained["artifact"]}
    rows = pd.concat(frames, names=["artifact", None]).reset_index("artifact").reset_index(drop=True)
    once = rows.drop(columns="artifact").assign(question_id=rows["artifact"] + " " + rows["question_id"])
    validate(once, "results", "what trained models answered")
    return rows[["artifact", "question_id", "correct"]].merge(trained, on="artifact").drop(columns="artifact")


def with_gaps(rows: pd.DataFrame, gaps: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Returns the table with one more row, empty but for its note, per strategy whose job is not done."""
    for gap in gaps:
        for strategy in gap["strategies"]:
            named = Part(tuple(gap.get("settings", ()))).name(gap["benchmark"])
            key = {"benchmark": named, "target_model": gap["target_model"], "strategy": strategy}
            at = (rows[list(key)] == pd.Series(key)).all(axis=1)
            note = f"{gap['status']}: {gap['job']}: {gap['error']}"
            if at.any():
                rows.loc[at, "note"] = [f"{said}; {note}" if said else note for said in rows.loc[at, "note"]]
            else:
                empty = pd.DataFrame([key | {"note": note}]).reindex(columns=rows.columns)
                rows = pd.concat([rows, empty.astype(rows.dtypes.to_dict())], ignore_index=True)
    return rows


def scores_of(store: Store, rankings: Sequence[str]) -> pd.DataFrame | None:
    """Returns the scores per example behind the rankings; None where they lie in another store."""
    facts = [store.provenance(store.open(one)) for one in rankings]
    raced = {artifact for fact in facts if "race" in fact for artifact in fact["inputs"]}
    names = dict.fromkeys(artifact for fact in facts for artifact in fact["inputs"] if artifact.startswith("scores/"))
    frames = {name: store.read(store.open(name)) for name in names if store.holds(name)}
    whole = [frame for name, frame in frames.items() if name not in raced]
    parts = [frame for name, frame in frames.items() if name in raced]
    if parts:  # what a race dropped has fewer questions than what it did not
        whole.append(on_shared_questions(pd.concat(parts)))
    return pd.concat(whole, ignore_index=True) if whole else None


def turns_of(store: Store, rankings: Sequence[str]) -> pd.DataFrame:
    """Returns statistics per turn, where responses have several turns, scored after the question without examples.

    Returns:
        One row per benchmark, target, strategy and `turn` of the assistant (from 1): `responses` that have it, `tokens`
        in it (mean of these), and their `nats per token`. Empty where no table lies in this store or none has turns.
    """
    key, parts = [*PAIR, "strategy"], []
    tables = [name for ranking in dict.fromkeys(rankings) for name in _scored_in(store, ranking)]
    for name in dict.fromkeys(tables):
        artifact = store.open(name)
        if not artifact.words[-1].startswith(GivenQuestion().name) or "turn" not in store.columns(artifact):
            continue
        frame = store.read(artifact)
        scored = frame[frame["logprob"].notna()]
        each = scored.groupby("turn").agg(
            responses=("example_id", "nunique"), tokens=("token", "size"), logprob=("logprob", "mean")
        )
        each = each.assign(**{"tokens": each["tokens"] / each["responses"], "nats per token": -each["logprob"]})
        rows = each.drop(columns="logprob").reset_index().assign(turn=lambda one: one["turn"] + 1)
        parts.append(rows.assign(**dict(zip(key, artifact.words, strict=False))))
    if not parts:
        return pd.DataFrame()
    every = pd.concat(parts, ignore_index=True).drop_duplicates([*key, "turn"])  # one of tables with other columns
    return every[[*key, *every.columns.drop(key)]]


def _scored_in(store: Store, ranking: str) -> list[str]:
    """The names of the token statistics in this store that a ranking's scores were made from."""
    scores = [name for name in store.provenance(store.open(ranking))["inputs"] if store.holds(name)]
    behind = [name for one in scores for name in (one, *store.provenance(store.open(one))["inputs"])]
    return [name for name in behind if name.startswith("token_stats/") and store.holds(name)]


def races_of(store: Store, rankings: Sequence[str]) -> pd.DataFrame:
    """Returns the decisions of the races behind the rankings, with metric, number of questions and error."""
    parts = []
    for fact in (store.provenance(store.open(one)) for one in dict.fromkeys(rankings)):
        if "race" in fact:
            artifact = store.open(fact["race"])
            said = store.provenance(artifact)
            key = {"benchmark": artifact.words[0], "target_model": artifact.words[1], "metric": said["metric"]}
            frame = store.read(artifact).assign(**key, of=said["n_questions"], error=said["error"])
            first = [*key, "questions", "of"]
            parts.append(frame[[*first, *frame.columns.drop(first)]])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def costs_of(store: Store, rankings: Sequence[str]) -> pd.DataFrame:
    """Returns the forward passes and seconds per response of each metric; no rows where they were not kept."""
    rows = []
    for artifact in map(store.open, dict.fromkeys(rankings)):
        key = {"benchmark": artifact.words[0], "target_model": artifact.words[1]}
        rows += [key | {"metric": name, **cost} for name, cost in store.provenance(artifact).get("costs", {}).items()]
    return pd.DataFrame(rows, columns=["benchmark", "target_model", "metric", "passes", "seconds"])


def response_sources(rows: pd.DataFrame, rankings: pd.DataFrame, store: Store, results: Sequence[str]) -> list[str]:
    """Returns, per row, where the strategy's responses come from (`simulated`, ...); empty for the untrained target."""
    known = {name.split("/")[3]: store.provenance(store.open(name)).get("source", "") for name in results}
    if "source" in rankings:
        known |= dict(zip(rankings["strategy"], rankings["source"], strict=True))
    return [known.get(strategy, "") for strategy in rows["strategy"]]
