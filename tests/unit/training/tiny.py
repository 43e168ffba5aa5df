"""A tiny Llama, examples of random tokens, and one training of it: for tests, and as a program that may be killed."""

import json
import random
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from sppl.hardware.hardware import Hardware
from sppl.training.batches import Example
from sppl.training.fit import fit
from sppl.training.lora import Lora, add_lora
from sppl.training.training_settings import Training

torch.set_num_threads(1)  # more than one only wait for each other at this size
VOCABULARY = 48
QUIET: dict[str, Any] = {"enable_progress_bar": False, "log_every_n_steps": 1}
TRAINER = partial(pl.Trainer, accelerator="cpu", devices=1, **QUIET)


def llama(lora: Lora | None = None, **changes: Any) -> Any:
    """Two layers, untied, the same weights every time."""
    pl.seed_everything(5, verbose=False)
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=VOCABULARY, max_position_embeddings=64, **size | changes))
    return add_lora(model, lora) if lora else model.eval()


def examples(n: int, seed: int = 1) -> list[Example]:
    """Prompts of 1 to 9 tokens and responses of 1 to 12."""
    draw = random.Random(seed)
    token = partial(draw.randrange, 1, VOCABULARY)
    shapes = [(draw.randint(1, 9), draw.randint(1, 12)) for _ in range(n)]
    return [
        Example(f"q{i}", tuple(token() for _ in range(p)), tuple(token() for _ in range(r)))
        for i, (p, r) in enumerate(shapes)
    ]


class Losses(pl.Callback):
    """The loss of every step, by number; with a path also as a file there, for the process that fits may be another."""

    def __init__(self, path: Path | None = None) -> None:
        self.values: dict[int, float] = {}
        self.path = path

    def on_train_batch_end(self, trainer: pl.Trainer, *args: object) -> None:
        self.values[trainer.global_step] = trainer.callback_metrics["finetune/loss"].item()

    def on_train_end(self, trainer: pl.Trainer, *args: object) -> None:
        if self.path and trainer.is_global_zero:
            self.path.write_text(json.dumps(list(self.values.values())))


class Stop(Exception):
    """Ends a run where a test wants it to end."""


class StopBefore(pl.Callback):
    """Raises before a step; a run that is killed there leaves the same files."""

    def __init__(self, step: int | None) -> None:
        self.step = step

    def on_train_batch_start(self, trainer: pl.Trainer, *args: object) -> None:
        if trainer.global_step == self.step:
            raise Stop


def train(
    training: Training, folder: Path, *, data: list[Example] | None = None, stop: int | None = None,
    model: Any = None, **options: Any,
) -> tuple[Any, dict[int, float]]:  # fmt: skip
    """The trained model and its losses by step; with `stop` the run ends before that step."""
    losses = Losses()
    model = model or llama(training.lora)

    watchers = [losses, StopBefore(stop)]
    given: dict[str, Any] = {"seed": 3, "loggers": [], "trainer": TRAINER, "callbacks": watchers, "folder": folder}
    fit(model, data or examples(21), training=training, **given | options)
    return model, losses.values


def weights(model: Any) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in model.state_dict().items()}


def same(one: Any, other: Any) -> bool:
    """Whether two models hold the same bits."""
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


if __name__ == "__main__":
    given, strategy, place = json.loads(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    place.mkdir(exist_ok=True)
    lora = Lora(**given.pop("lora")) if "lora" in given else None
    stop = given.pop("stop", None)
    spread = Hardware("cpu", 2, strategy, lightning={**QUIET, "use_distributed_sampler": False})
    watching = [Losses(place / "losses.json"), StopBefore(stop)]
    trained, _ = train(Training(**given, lora=lora), place, trainer=spread, callbacks=watching, save_seconds=0)
    torch.save(trained.state_dict(), place / "weights.pt")
