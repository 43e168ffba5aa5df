"""Gradients: in which direction every response would move the target's weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sppl.artifacts.provenance import canonical
from sppl.schemas import FINITE, UserError, column, table_schema
from sppl.tables.kind import Table
from sppl.tables.sample import Sample, TableOf

if TYPE_CHECKING:
    from sppl.hardware.reader import ModelReader

BACKWARD = 3.0
"""The cost of a forward pass with its backward pass, in forward passes."""


@dataclass(frozen=True)
class Gradients(Table):
    """The gradient of every response's mean token NLL given its question, randomly projected.

    Columns: `dimension` (0, 1, ..., dim - 1) and `value` (nats per unit of a weight).

    Args:
        layers: last names of the linear layers whose gradients are read.
        rank: of fresh low-rank adapters on them, whose second factor's gradients are read; 0: those of their weights.
        dim: of the projection.
        seed: of the projection and of the adapters.
    """

    layers: tuple[str, ...]
    rank: int = 16
    dim: int = 512
    seed: int = 0

    kind = "gradients"
    schema = table_schema(
        {"example_id": str, "dimension": "int32", "value": column("float32", FINITE)}, ["example_id", "dimension"]
    )

    def __post_init__(self) -> None:
        if self.rank < 0 or self.dim < 1 or not self.layers:
            raise ValueError(
                f"gradients need layers, a rank of 0 or more and a dim of 1 or more, got layers={list(self.layers)}, "
                f"rank={self.rank}, dim={self.dim}"
            )

    @property
    def name(self) -> str:
        return f"gradients_r{self.rank}_d{self.dim}_s{self.seed}"

    def words(self, sample: Sample, strategy: str) -> Sequence[str]:
        return sample.target.name, strategy, self.name

    def settings(self, sample: Sample, strategy: str) -> Mapping[str, Any]:
        return sample.read_by_target(strategy) | {"of": canonical(self)}

    def sources(self, sample: Sample) -> Mapping[str, str]:
        return sample.target_source()

    def beyond_server(self, server: Any) -> str:
        return "gradients"

    @staticmethod
    def make(sample: Sample, tables: Sequence[TableOf]) -> None:
        """Runs one pass forward and backward over each response after its question, and writes the tables.

        Raises:
            UserError: a response is empty or does not fit, or the target has no such layer.
        """
        from sppl.tables.inside import read_inside

        read_inside(sample, tables, _reader, lambda _: None, _rows, passes=BACKWARD, backward=True)


def _reader(sample: Sample, need: Any) -> "ModelReader":
    """The module that takes gradients, around a copy of the target, as adapters change it.

    Raises:
        UserError: the target has no such layers.
    """
    import torch

    from sppl.scoring.projector import Projector, check_layers, read_layers
    from sppl.training.lora import Lora, add_lora

    model: Any = sample.target.load()
    try:
        if not need.rank:
            read_layers(model, need.layers)
            return Projector(model, need.dim, need.seed)
        check_layers(model, need.layers)
    except ValueError as error:
        raise UserError(f"{error}. Say which to read: metric.grace.layers=...") from error
    with torch.random.fork_rng():
        torch.manual_seed(need.seed)
        model = add_lora(model, Lora(need.rank, 2 * need.rank, 0.0, need.layers))
    for name, weight in model.named_parameters():
        weight.requires_grad_("lora_B" in name)  # while B is zero, A has no gradient
    return Projector(model, need.dim, need.seed)


def _rows(ids: Sequence[str], read: Sequence[np.ndarray]) -> pd.DataFrame:
    dim = len(read[0])
    columns = {
        "example_id": np.repeat(list(ids), dim),
        "dimension": np.tile(np.arange(dim, dtype=np.int32), len(read)),
        "value": np.concatenate(read),
    }
    return pd.DataFrame(columns)
