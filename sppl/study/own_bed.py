"""The user's own finished studies as a test bed, made of the rankings and results in the store."""

import logging
import re

import pandas as pd

from sppl.analysis.bed import SCORE_COLUMNS, Bed
from sppl.analysis.checks import PAIR
from sppl.analysis.outcomes import UNTRAINED
from sppl.artifacts.store import ArtifactId, Store
from sppl.commands import command
from sppl.schemas import UserError
from sppl.study.reported import outcomes_of

log = logging.getLogger(__name__)
MINE = "mine"
ALL_BUT_PLACES = re.compile(r"(?!(store|reports|paths)$)")
"""Matches the settings of the typed command that another study's command does not keep."""


def own_bed(store: Store) -> Bed:
    """Returns the bed of all benchmarks and targets in the store with a ranking and with results of its strategies.

    A model benchmarked several times counts with the result of most questions.
    Settings of training in which results differ make benchmarks of their own (`gsm8k, n_train=100`). Of several
    rankings of one benchmark and target that counts which has most of the trained strategies, and of those the latest;
    rankings that a race decided are left out, because it scored strategies on unequal questions.

    Raises:
        UserError: there is no such benchmark.
    """
    every = store.artifacts("results", "*", "*", "*")
    results = [
        artifact.name for artifact in every if "split" not in store.provenance(artifact)
    ]  # a pilot's are of validation
    outcomes = outcomes_of(store, results)
    outcomes = _measured_once(outcomes[outcomes["strategy"] != UNTRAINED])
    scores = _scores(store, outcomes)
    outcomes = outcomes.merge(scores[[*PAIR, "strategy"]].drop_duplicates(), on=[*PAIR, "strategy"])
    if outcomes.empty:
        raise UserError(
            f"beds=[{MINE}]: {store.root} has no strategy that was both ranked and benchmarked after training; finish "
            "a study first, e.g. " + command(store.job, "experiment=lab", drop=ALL_BUT_PLACES)
        )
    named = outcomes[[*PAIR, "setup"]].drop_duplicates()
    scores = scores.merge(named, on=PAIR)
    return Bed(MINE, _by_setup(scores), _by_setup(outcomes).assign(setup=""), f"the store {store.root}")


def _measured_once(outcomes: pd.DataFrame) -> pd.DataFrame:
    """One result per trained model: of several, on different test sets, that of most questions."""
    key = [*PAIR, "strategy", "setup", "seed"]
    ordered = outcomes.sort_values([*key, "n_test"], kind="stable")
    kept = ordered.drop_duplicates(key, keep="last").reset_index(drop=True)
    if len(kept) < len(outcomes):
        log.info("%s: %d further results of models that have one of more questions", MINE, len(outcomes) - len(kept))
    return kept


def _by_setup(frame: pd.DataFrame) -> pd.DataFrame:
    """The setup as a part of the benchmark's name."""
    ending = frame["setup"].map(lambda setup: f", {setup}" if setup else "")
    return frame.assign(benchmark=frame["benchmark"] + ending).drop(columns="setup")


def _scores(store: Store, outcomes: pd.DataFrame) -> pd.DataFrame:
    trained = outcomes.groupby(PAIR)["strategy"].agg(set).to_dict()
    chosen: dict[tuple[str, ...], tuple[tuple[int, str], pd.DataFrame]] = {}
    for artifact in store.artifacts("rankings", "*", "*"):
        pair, frame = artifact.words[:2], store.read(artifact)
        if pair not in trained:
            continue
        if "race" in frame and frame["race"].fillna("").any():
            log.info("%s: %s was decided by a race and is left out", MINE, artifact.name)
            continue
        worth = (len(trained[pair] & set(frame["strategy"])), _made(store, artifact))
        if pair not in chosen or worth > chosen[pair][0]:
            if pair in chosen:
                log.info("%s: of several rankings of %s that of %s counts", MINE, " / ".join(pair), artifact.name)
            chosen[pair] = (worth, frame[SCORE_COLUMNS])
    found = [frame for _, frame in chosen.values()]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=SCORE_COLUMNS)


def _made(store: Store, artifact: ArtifactId) -> str:
    return str(store.provenance(artifact)["created"])
