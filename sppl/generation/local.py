"""The settings of answering in this process, in a file of their own that imports no model code."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sppl.bounds import Count, misfits
from sppl.generation.answer import Answering
from sppl.hardware.hardware import Hardware
from sppl.models.target import TargetModel
from sppl.schemas import UserError


@dataclass(frozen=True)
class LocalGenerator:
    """Settings of answering in this process.

    Args:
        batch_size: prompts at once; None: what memory allows, 64 on a CPU.
    """

    batch_size: Count | None = None

    def __post_init__(self) -> None:
        if wrong := misfits(self):
            raise UserError(f"generator: {'; '.join(wrong)}")

    @property
    def identity(self) -> dict[str, Any]:
        """Empty, as in float32 the batch changes no answer."""
        return {}

    def open(self, target: TargetModel, hardware: Hardware, journal: Path) -> Answering:
        """Returns what answers; its models are loaded when they are needed, and the caller keeps the answers."""
        from sppl.generation.answering import LocalAnswering

        return LocalAnswering(target, hardware.device, self.batch_size)
