"""Compares trained models on the same questions."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from sppl.analysis.checks import PAIR

COLUMNS = [*PAIR, "setup", "strategy", "other", "difference", "low", "high", "p", "n_questions", "n_seeds", "note"]

CHANCE = 0.05
"""A p-value above it: questions that only one of two got right may as well have fallen the other way."""


def compare_pairs(answers: pd.DataFrame, *, resamples: int = 2000, seed: int = 0, level: float = 0.95) -> pd.DataFrame:
    """Returns one row per benchmark, target, setup and two strategies: how much more often the first is right.

    `difference` of accuracies (fractions) with its interval: questions are resampled, both strategies keep the same
    ones. `p` is the exact McNemar test on the questions that only one of them got right; with several seeds the answers
    to one question are not independent and it is <NA>, as `note` says.

    Args:
        answers: `benchmark, target_model, setup, strategy, seed, question_id, correct` (a fraction).
        resamples: of the questions.
        seed: of the resampling.
        level: of the interval.
    """
    rows = []
    for names, part in answers.groupby([*PAIR, "setup"], sort=True):
        means = part.pivot_table("correct", "question_id", "strategy", "mean").dropna()
        drawn = np.random.default_rng(seed).integers(len(means), size=(resamples, len(means)))
        for one, other in combinations(sorted(means.columns.astype(str)), 2):
            seeds = sorted({*part.loc[part["strategy"].isin([one, other]), "seed"]})
            gap = (means[one] - means[other]).to_numpy(float)
            low, high = np.quantile(gap[drawn].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
            single = len(seeds) == 1
            rows.append(
                dict(zip([*PAIR, "setup"], names, strict=True))
                | {"strategy": one, "other": other, "difference": gap.mean(), "low": low, "high": high}
                | {"p": mcnemar(gap) if single else pd.NA, "n_questions": len(gap), "n_seeds": len(seeds)}
                | {"note": "" if single else "several seeds: no McNemar test"}
            )
    return pd.DataFrame(rows, columns=COLUMNS).astype({"p": "Float64"})


def leaves_no_doubt(pair: Mapping[Any, Any]) -> bool:
    """Returns whether the first of a pair is ahead beyond the chance of these questions: a row of `compare_pairs`.

    Its interval is above 0 and, where there is one, the exact test says so too: of three questions that all went one
    way every resample is alike, so the interval alone would be sure.
    """
    return bool(pair["low"] > 0 and (pd.isna(pair["p"]) or pair["p"] <= CHANCE))


def mcnemar(gap: np.ndarray) -> float:
    """Returns the exact two-sided McNemar p-value of differences -1, 0 and 1; 1.0 where the two never differ."""
    from scipy.stats import binomtest

    won, lost = int((gap > 0).sum()), int((gap < 0).sum())
    return float(binomtest(won, won + lost).pvalue) if won + lost else 1.0
