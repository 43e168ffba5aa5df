"""The heads of reasoning steps: the first tokens of each, which carry the choice of what to do next."""

import pandas as pd

from sppl.metrics.needs import EXAMPLE


def heads(table: pd.DataFrame, n_heads: int) -> pd.Series:
    """Whether each row of token statistics with `step` is one of the first `n_heads` tokens of its step."""
    place = table.groupby([*EXAMPLE, "step"])["token"].rank(method="first")
    return place <= n_heads


def checked_heads(n_heads: int) -> int:
    """The number of head tokens per step.

    Raises:
        ValueError: it is not 1 or more.
    """
    if n_heads < 1:
        raise ValueError(f"a step has 1 or more head tokens, got n_heads={n_heads}; without heads it is `grape`")
    return n_heads
