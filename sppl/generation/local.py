"""The choice to have prompts answered in this process; reading it imports no model code."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sppl.bounds import Count
from sppl.generation.answer import Answering
from sppl.hardware.hardware import Hardware
from sppl.models.target import TargetModel


@dataclass(frozen=True)
class LocalGenerator:
    """Settings of answering in this process.

    Args:
        batch_size: prompts at once; None: what memory allows, 64 on a CPU.
    """

    batch_size: Count | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """Nothing: in float32 a batch changes no answer."""
        return {}

    def open(self, target: TargetModel, hardware: Hardware, journal: Path) -> Answering:
        """What answers, its models loaded when they are needed; what it answered is kept by the caller."""
        from sppl.generation.answering import LocalAnswering

        return LocalAnswering(target, hardware.device, self.batch_size)
