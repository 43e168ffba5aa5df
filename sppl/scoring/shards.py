"""Scoring in pieces: every pass leaves one file, so a killed run loses at most the pass it was in."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import BasePredictionWriter

from sppl.artifacts.provenance import fingerprint, whole_zip
from sppl.hardware.device import place
from sppl.hardware.hardware import Hardware
from sppl.hardware.progress import Progress, quiet
from sppl.hardware.trainer import errors_of_processes
from sppl.scoring.planner import ForwardPass
from sppl.scoring.scorer import ResponseScorer, Scored, passes_loader


class Shards(BasePredictionWriter):
    """Writes the results of a pass as soon as it is done; every device writes its own passes."""

    def __init__(self, folder: Path) -> None:
        super().__init__(write_interval="batch")
        self.folder = folder

    def write_on_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *given: Any, **named: Any) -> None:
        """Called by Lightning with the prediction and the batch it came from."""
        prediction: list[Scored] = given[0] if given else named["prediction"]
        batch: ForwardPass = given[2] if len(given) > 2 else named["batch"]
        path = shard_file(self.folder, batch)
        temporary = path.with_name(f".{path.name}.{trainer.global_rank}.tmp.npz")
        columns: dict[str, Any] = {
            "index": np.array([one.index for one in prediction]),
            "length": np.array([len(one.logprobs) for one in prediction]),
            "logprobs": np.concatenate([one.logprobs for one in prediction]),
            "ranks": np.concatenate([one.ranks for one in prediction]),
        }
        for name in prediction[0].further:
            columns[name] = np.concatenate([one.further[name] for one in prediction])
        np.savez(temporary, **columns)
        temporary.replace(path)


def score_in_shards(
    trainer: Hardware, scorer: ResponseScorer, passes: Sequence[ForwardPass], folder: Path
) -> dict[int, Scored]:
    """Returns the statistics of every request by its index; passes with a whole file in the folder are not rerun."""
    quiet()
    todo = [one for one in passes if not whole_zip(shard_file(folder, one))]
    if todo:
        quietly = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
        given = {**quietly, "enable_model_summary": False, "callbacks": [Progress("score"), Shards(folder)]}
        runner = trainer.reading()(**given, use_distributed_sampler=True)
        if len(todo) < runner.num_devices * runner.num_nodes:  # Lightning cannot deal out fewer passes than devices
            runner = trainer.reading().one()(**given)
        if runner.num_devices > 1:
            place(scorer.model, torch.device("cpu"))  # from where each process takes its own copy
        with errors_of_processes():
            runner.predict(scorer, passes_loader(todo), return_predictions=False)
    return {one.index: one for batch in passes for one in _read(shard_file(folder, batch))}


def shard_file(folder: Path, batch: ForwardPass) -> Path:
    """Returns the file of a pass, named by a digest of its requests."""
    return folder / f"{fingerprint([batch.form, [request.index for request in batch.requests]])}.npz"


def _read(path: Path) -> list[Scored]:
    with np.load(path, allow_pickle=False) as kept:
        ends, kept_index = np.cumsum(kept["length"]), kept["index"].tolist()
        spans = [slice(end - length, end) for end, length in zip(ends, kept["length"], strict=True)]
        columns = {name: kept[name] for name in kept.files if name not in ("index", "length")}
    logprobs, ranks = columns.pop("logprobs"), columns.pop("ranks")
    return [
        Scored(index, logprobs[span], ranks[span], {name: values[span] for name, values in columns.items()})
        for index, span in zip(kept_index, spans, strict=True)
    ]
