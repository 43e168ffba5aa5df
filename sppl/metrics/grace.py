"""GRACE: how well a strategy's gradients foretell each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sppl.metrics.needs import Gradients, Tables
from sppl.schemas import UserError

LEAST = 1e-12
LAYERS = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class Grace:
    """The size of a response's gradient in the directions that the strategy's other gradients rarely take (no unit).

    GRACE = 1/S * sum_s tr(C_s^-1 T_s),  S = n_splits; in split s a share 1/S of the questions is held out,
    T_s = mean of g g' over the held-out gradients g, C = (1 - e) B + e * tr(B)/d * I with e = smoothing,
    B = mean of g g' / |g|^2 over the others; g is the projected gradient (d numbers) of the mean response loss.
    Lower is better: small gradients in directions that the rest of the data teaches as well.
    Source: arXiv 2511.02833 (10 splits, 512 numbers, smoothing 1e-3, adapters of rank 16). It draws the splits
    independently; here they are disjoint, the same for all strategies, so each response is held out once: its value is
    g' C_s^-1 g, a strategy's value is the mean over examples, and resampling never puts one response on both sides.

    Raises:
        UserError: a strategy has a single example, so that nothing can be held out.
    """

    layers: Sequence[str] = LAYERS
    rank: int = 16
    dim: int = 512
    seed: int = 0
    n_splits: int = 10
    smoothing: float = 1e-3
    higher_is_better: bool | None = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))  # settings come as a list
        if self.n_splits < 2 or not 0 < self.smoothing <= 1:
            raise ValueError(
                f"grace needs 2 or more splits and a smoothing above 0, at most 1; got n_splits={self.n_splits}, "
                f"smoothing={self.smoothing}"
            )
        self.needs()  # refuses what makes no gradients

    @property
    def name(self) -> str:
        changed = {"r": (self.rank, 16), "d": (self.dim, 512), "s": (self.seed, 0), "k": (self.n_splits, 10)}
        return "_".join(["grace", *(f"{key}{value}" for key, (value, usual) in changed.items() if value != usual)])

    def needs(self) -> tuple[Gradients, ...]:
        return (Gradients(tuple(self.layers), self.rank, self.dim, self.seed),)

    def per_example(self, tables: Tables) -> pd.DataFrame:
        parts = [self._of(str(name), table) for name, table in tables[self.needs()[0]].groupby("strategy")]
        return pd.concat(parts, ignore_index=True)

    def _of(self, strategy: str, table: pd.DataFrame) -> pd.DataFrame:
        wide = table.pivot(index="example_id", columns="dimension", values="value").sort_index()
        gradients = wide.to_numpy(dtype="float64")
        if len(gradients) < 2:
            raise UserError(
                f"{self.name}: {strategy} has one example, and one has to be held out; score more (n_score=50), or "
                "leave grace out of `metric`"
            )
        units = gradients / np.linalg.norm(gradients, axis=1, keepdims=True).clip(min=LEAST)
        values = np.empty(len(gradients))
        for held_out in self._splits(len(gradients)):
            others = np.delete(units, held_out, axis=0)
            common = others.T @ others / len(others)
            smooth = (1 - self.smoothing) * common
            smooth[np.diag_indices_from(smooth)] += max(self.smoothing * np.trace(common) / len(common), LEAST)
            own = gradients[held_out].T
            values[held_out] = (own * np.linalg.solve(smooth, own)).sum(axis=0)
        return pd.DataFrame({"strategy": strategy, "example_id": wide.index, "value": values})

    def _splits(self, n: int) -> list[np.ndarray]:
        return np.array_split(np.random.default_rng(self.seed).permutation(n), min(self.n_splits, n))
