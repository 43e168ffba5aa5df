"""Averages outcomes of training over seeds, with their uncertainty and the settings that vary."""

from typing import Any

import numpy as np
import pandas as pd

from sppl.analysis.checks import PAIR, check_outcomes
from sppl.analysis.conventions import SOUND, Conventions
from sppl.analysis.wilson import wilson
from sppl.schemas import UserError

UNTRAINED = "untrained"


def parse_setup(setup: str) -> dict[str, str]:
    """Returns the keys and values of a `setup` such as `epochs=20, n_train=1000`.

    Raises:
        UserError: a part is not `key=value`.
    """
    parts = [part for part in setup.split(", ") if part]
    wrong = [part for part in parts if "=" not in part]
    if wrong:
        raise UserError(f"setup {setup!r} must be key=value pairs joined by ', '; {wrong[0]!r} is not one")
    return dict(part.split("=", 1) for part in parts)


def varying_settings(setups: pd.Series) -> list[str]:
    """Returns the settings, sorted, in which the setups of trained models differ (or that some of them lack)."""
    found = [parse_setup(setup) for setup in setups.unique() if setup]
    keys = sorted({key for one in found for key in one})
    return [key for key in keys if len({one.get(key) for one in found}) > 1]


def accuracies(outcomes: pd.DataFrame, conventions: Conventions = SOUND) -> pd.DataFrame:
    """Returns `accuracy` (mean over seeds), `accuracy_se` and `gain` per benchmark, target, setup and strategy.

    The standard error adds up, in squares, the spread over seeds (where there are two or more) and the sampling of test
    questions (where `outcomes` has `n_test`); <NA> where neither is known. As seeds share their test questions, the sum
    is slightly too large rather than too small. The untrained target belongs to every setup: its row is repeated for
    each, and `gain` is the accuracy minus it (<NA> where it was not measured). `first_seed` is the accuracy of the
    lowest seed alone. `accuracy_low` and `accuracy_high` are the ends of Wilson's 95 % interval: of one seed on its
    test questions; where seeds spread, on as many questions as have the standard error of the whole.

    Raises:
        UserError: duplicated keys, missing accuracies or accuracies that are no fractions.
    """
    frame = check_outcomes(outcomes)
    if conventions.decimals is not None:
        frame["accuracy"] = frame["accuracy"].round(conventions.decimals)
    if conventions.skip_zero:
        frame = frame[frame["accuracy"] > 0].copy()
    if "n_test" not in frame:
        frame["n_test"] = pd.NA
    grouped = frame.groupby([*PAIR, "setup", "strategy"], sort=True)
    table = grouped.agg(
        accuracy=("accuracy", lambda runs: sum(runs) / len(runs)),
        first_seed=("accuracy", "first"),
        spread=("accuracy", "sem"),
        n_seeds=("seed", "nunique"),
        n_test=("n_test", "min"),
    ).reset_index()
    if conventions.tie_decimals is not None:
        table["accuracy"] = table["accuracy"].round(conventions.tie_decimals)
    by_seed = table["spread"].astype("Float64")
    n_test = table["n_test"].astype("Float64")
    by_question = np.sqrt(table["accuracy"] * (1 - table["accuracy"]) / n_test)
    known = by_seed.notna() | by_question.notna()
    table["accuracy_se"] = np.sqrt(by_seed.fillna(0) ** 2 + by_question.fillna(0) ** 2).where(known, pd.NA)
    ends = [_ends(*row) for row in zip(table["accuracy"], table["accuracy_se"], n_test, strict=True)]
    for at, name in enumerate(("accuracy_low", "accuracy_high")):
        table[name] = pd.array([pair[at] for pair in ends], dtype="Float64")
    return _with_untrained(table.drop(columns=["spread", "n_test"]))


def _ends(share: float, error: Any, n_test: Any) -> tuple[Any, Any]:
    """Wilson's interval on as many questions as have this standard error; <NA> where it is not known."""
    if pd.notna(error) and error > 0 and 0 < share < 1:
        return wilson(share, share * (1 - share) / error**2)
    return wilson(share, n_test) if pd.notna(n_test) else (pd.NA, pd.NA)


def _with_untrained(table: pd.DataFrame) -> pd.DataFrame:
    is_base = table["strategy"] == UNTRAINED
    base, trained = table[is_base].drop(columns="setup"), table[~is_base]
    setups = trained[[*PAIR, "setup"]].drop_duplicates()
    lonely = base.merge(setups, on=PAIR, how="left")
    whole = pd.concat([trained, lonely.fillna({"setup": ""})], ignore_index=True)
    before = base.set_index(PAIR)["accuracy"]
    of_pair = pd.Series([before.get((b, t), pd.NA) for b, t in whole[PAIR].itertuples(index=False)], dtype="Float64")
    return whole.assign(gain=(whole["accuracy"] - of_pair).astype("Float64"))
