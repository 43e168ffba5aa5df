"""What every way of generating is asked, and what comes back."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from sppl.hardware.hardware import Hardware
from sppl.models.target import TargetModel
from sppl.schemas import Message, Question, Sampling


class Prompt(NamedTuple):
    """What is to be answered."""

    id: str
    messages: Sequence[Message]
    """The turns so far; the last is the user's."""


class Answer(NamedTuple):
    """One answer."""

    text: str
    """Without what ended it."""
    n_tokens: int
    """Tokens that were generated, what ended it left out."""
    ended: bool
    """Whether it ended by itself; otherwise it was cut off at the longest length."""


def prompts_of(questions: Sequence[Question]) -> list[Prompt]:
    """Each question as the only turn."""
    return [Prompt(question.id, [Message(role="user", content=question.prompt)]) for question in questions]


class Answering(Protocol):
    """The target, and what was trained from it, ready to answer."""

    def answer(
        self,
        prompts: Sequence[Prompt],
        *,
        max_new_tokens: int,
        sampling: Sampling | None = None,
        trained: Path | None = None,
        what: str = "answer",
    ) -> list[Answer]:
        """One answer per prompt, in their order.

        Args:
            max_new_tokens: the longest answer.
            sampling: None for greedy answers.
            trained: the folder of an adapter or a fine-tuned model; None: the untrained target.
            what: is going on, for the progress bar.

        Raises:
            UserError: a prompt and the longest answer do not fit into the target's context, or nobody answers.
        """
        ...

    def facts(self) -> Mapping[str, Any]:
        """What it ran on since it was opened, for the provenance."""
        ...


class Generator(Protocol):
    """Settings of a way to have prompts answered; a frozen dataclass."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """What shapes the answers beside the target; empty where that is all."""
        ...

    def open(self, target: TargetModel, hardware: Hardware, journal: Path) -> Answering:
        """What answers; `journal` is a folder for what would be lost if the run was killed."""
        ...
