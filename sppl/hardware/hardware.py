"""The devices of this machine that do the work, as the configuration group `trainer` says."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from sppl.bounds import Count
from sppl.schemas import UserError

if TYPE_CHECKING:
    import pytorch_lightning as pl
    import torch

SHARDED = "fsdp_spawn"
"""The name of `sppl.hardware.sharded.Sharded` among Lightning's strategies."""


@dataclass(frozen=True)
class Hardware:
    """Devices, and how Lightning spreads training over them. They shape no outcome; `training` does.

    Neither torch nor Lightning, which take eight seconds, is imported before a device or a Trainer is asked for.

    Args:
        accelerator: `cpu`, `gpu` (CUDA), or `auto`: the GPU where there is one.
        devices: how many of them, or their numbers.
        strategy: Lightning's name for how they share the work.
        precision: what the configuration gives `training.precision` unless that is set.
        lightning: further settings of Lightning's Trainer, for training.
    """

    accelerator: Literal["cpu", "gpu", "auto"] = "cpu"
    devices: Count | str | tuple[int, ...] = 1
    strategy: str = "auto"
    precision: str = "32-true"
    lightning: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.accelerator not in ("cpu", "gpu", "auto"):
            raise UserError(f"trainer.accelerator={self.accelerator}: there are cpu, gpu (CUDA) and auto")
        for name in sorted({"accelerator", "devices", "strategy", "precision"} & set(self.lightning)):
            place = "training.precision" if name == "precision" else f"trainer.{name}"
            raise UserError(
                f"trainer.lightning.{name}={self.lightning[name]} is told elsewhere: {place}={self.lightning[name]}"
            )

    @property
    def device(self) -> "torch.device":
        """The device of a model that is not spread over several.

        Raises:
            UserError: a GPU is asked for, and torch finds none.
        """
        import torch

        if self.accelerator == "cpu":
            return torch.device("cpu")
        if torch.cuda.is_available():
            return torch.device("cuda", self.devices[0] if isinstance(self.devices, tuple | list) else 0)
        if self.accelerator == "auto":
            return torch.device("cpu")
        built = "was built without CUDA" if torch.version.cuda is None else "finds no GPU"
        raise UserError(
            f"trainer.accelerator=gpu: torch {torch.__version__} {built} here. Take trainer=cpu; on a machine with an "
            "NVIDIA GPU install the CUDA build of torch, and see what nvidia-smi says"
        )

    def __call__(self, **settings: Any) -> "pl.Trainer":
        """Returns a new Lightning Trainer, as one that was used for a fit would train 0 steps in a second one.

        Raises:
            UserError: Lightning refuses the settings, or the machine has no such device.
        """
        from sppl.hardware.trainer import make_trainer

        own = {"accelerator": self.accelerator, "devices": self.devices, "strategy": self.strategy}
        return make_trainer(**{**own, **self.lightning, **settings})

    @property
    def single(self) -> bool:
        """Whether it is one device; `auto` and -1 may be several."""
        named = isinstance(self.devices, tuple | list)
        return len(self.devices) == 1 if named else str(self.devices) == "1"  # pyright: ignore[reportArgumentType]

    def one(self) -> "Hardware":
        """Returns the first of the devices, for work that is not shared out."""
        device = self.device
        return replace(self, devices=1 if device.type == "cpu" else (device.index,), strategy="auto")

    def reading(self) -> "Hardware":
        """Returns the same devices for work that only reads a model, without settings that are for training.

        Every device holds the whole model in its own dtype, so that nothing but the model decides what is read.
        """
        return replace(self, strategy="ddp_spawn" if self.strategy == SHARDED else self.strategy, lightning={})
