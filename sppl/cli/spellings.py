"""Recognises settings that had another name once; it runs before Hydra, so nothing heavy is imported here."""

from collections.abc import Iterable

MOVED = {
    "trainer.training.": "training.",
    "trainer.lightning.accelerator=": "trainer.accelerator=",
    "trainer.lightning.devices=": "trainer.devices=",
    "trainer.lightning.strategy=": "trainer.strategy=",
    "trainer.device=": "trainer.accelerator= (cpu or gpu)",
    "trainer=paper": "training=paper",
    "stage.benchmark.batch_size=": "generator.batch_size=",
    "stage.predict.batch_size=": "generator.batch_size=",
    "trainer.lightning.precision=": "training.precision=",
    "scorer.z=": "scorer.error=, the chance that a race drops its best strategy (scorer.error=0.05)",
}
"""The old spelling of settings and their present one."""


def check_spellings(arguments: Iterable[str]) -> str:
    """Returns how to type a setting that had another name once; empty where none of the arguments is one."""
    for given in arguments:
        for old, new in MOVED.items():
            if given.lstrip("+~").startswith(old):
                two = " (trainer is the hardware, training how a model is trained)" if "trainer" in old else ""
                return f"{given}: this setting is now {new}{two}"
    return ""
