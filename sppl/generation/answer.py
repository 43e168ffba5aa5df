"""Prompts and answers, and the interface of every way of generating them."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from sppl.data.conversations import turns_before
from sppl.hardware.hardware import Hardware
from sppl.models.target import TargetModel
from sppl.schemas import Message, Question, Sampling, UserError

log = logging.getLogger(__name__)

Overlong = Literal["refuse", "skip"]


class Prompt(NamedTuple):
    """A prompt to be answered."""

    id: str
    messages: Sequence[Message]
    """The turns so far; the last is the user's."""


class Answer(NamedTuple):
    """One answer."""

    text: str
    """The text without the tokens that ended it."""
    n_tokens: int
    """Generated tokens, those that ended it not counted."""
    ended: bool
    """Whether it ended by itself; otherwise it was cut off at the longest length."""


def keep_answered(
    questions: Sequence[Question], answers: Sequence[Answer | None], what: str
) -> tuple[list[Question], list[Answer], int]:
    """Returns the questions that were answered, the answers, and how many were left out, which is logged.

    Raises:
        UserError: all were left out.
    """
    both = [(question, one) for question, one in zip(questions, answers, strict=True) if one is not None]
    left_out = [question.id for question, one in zip(questions, answers, strict=True) if one is None]
    if not both:
        raise UserError(
            f"{what}: none of the {len(questions)} questions fits into the target's context with room for an answer; "
            "lower benchmark.max_new_tokens, or take a target with a longer context"
        )
    if left_out:
        named = ", ".join(left_out[:5]) + (", ..." if len(left_out) > 5 else "")
        log.warning("%s: %d of %d questions left out, too long: %s", what, len(left_out), len(questions), named)
    return [question for question, _ in both], [one for _, one in both], len(left_out)


def prompts_of(questions: Sequence[Question]) -> list[Prompt]:
    """Returns the prompt of each question, with all that was said before it."""
    return [Prompt(question.id, turns_before(question)) for question in questions]


class Answering(Protocol):
    """The target, and what was trained from it, ready to answer."""

    def answer(
        self,
        prompts: Sequence[Prompt],
        *,
        max_new_tokens: int,
        sampling: Sampling | None = None,
        trained: Path | None = None,
        overlong: Overlong = "refuse",
        what: str = "answer",
    ) -> list[Answer | None]:
        """Returns one answer per prompt, in their order; None for prompts that are left out.

        Args:
            prompts: the prompts.
            max_new_tokens: tokens of the longest answer.
            sampling: None for greedy answers.
            trained: the folder of an adapter or a fine-tuned model; None: the untrained target.
            overlong: what happens to a prompt that does not fit into the target's context with the longest answer:
                `refuse` all work, or `skip` it.
            what: the work's name, for the progress bar.

        Raises:
            UserError: a prompt does not fit and is not to be skipped, or a server does not answer.
        """
        ...

    def facts(self) -> Mapping[str, Any]:
        """Returns the device or server it ran on since it was opened, for the provenance."""
        ...


class Generator(Protocol):
    """The settings of a way to have prompts answered; a frozen dataclass."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """What shapes the answers beside the target; empty where nothing else does."""
        ...

    def open(self, target: TargetModel, hardware: Hardware, journal: Path) -> Answering:
        """Returns what answers prompts; `journal` is a folder for answers that a killed run would lose."""
        ...
