"""The contexts a response is scored in, the wording of the self-aligned prompt, and the rotation of examples."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal

from sppl.schemas import Message

Rotation = Literal["skip_own", "paper"]


@dataclass(frozen=True)
class Alone:
    """The response with nothing before it but the tokenizer's own first token, if it has one."""

    name = "alone"
    shows_question, n_examples, examples_first, window = False, 0, False, None


@dataclass(frozen=True)
class GivenQuestion:
    """The response after its question, as in training and in use."""

    name = "question"
    shows_question, n_examples, examples_first, window = True, 0, False, None


@dataclass(frozen=True)
class SelfAligned:
    """The response after its question and `n_examples` of the target's own answers to other questions."""

    n_examples: int = 2
    shows_question, examples_first, window = True, False, None

    def __post_init__(self) -> None:
        if self.n_examples < 1:
            raise ValueError(
                f"self-aligned prompts need n_examples >= 1, got {self.n_examples}; without examples it is `perplexity`"
            )

    @property
    def name(self) -> str:
        return f"self_aligned_n{self.n_examples}"


@dataclass(frozen=True)
class FixedExamples:
    """The response after `n_examples` of the target's own answers, the same for all questions, and then its question.

    The examples are read once for the whole benchmark. They answer questions that are not scored.
    """

    n_examples: int = 2
    shows_question, examples_first, window = True, True, None

    def __post_init__(self) -> None:
        SelfAligned(self.n_examples)  # the same numbers make sense

    @property
    def name(self) -> str:
        return f"fixed_n{self.n_examples}"


@dataclass(frozen=True)
class StepWise:
    """Every reasoning step after its question and the `window` steps before it, without earlier steps."""

    window: int = 1
    shows_question, n_examples, examples_first = True, 0, False

    def __post_init__(self) -> None:
        if self.window < 0:
            raise ValueError(f"a step is shown 0 or more of the steps before it, got window={self.window}")

    @property
    def name(self) -> str:
        return f"steps_w{self.window}"


Context = Alone | GivenQuestion | SelfAligned | FixedExamples | StepWise
"""What stands before a response that is scored.

Every context says whether the question does (`shows_question`), how many of the target's own answers (`n_examples`),
whether before the question and the same for all of them (`examples_first`), and how many steps of the response before
each, where it is read step by step (`window`; None: it is read as a whole).
"""

BREAK = re.compile(r"\n\s*|[.!?][\"')\]]*\s+|[。！？]")
"""Matches where a reasoning step may end."""


def step_starts(text: str) -> list[int]:
    """Returns where the reasoning steps of a response start, in characters; the first is 0.

    A step is a line or a sentence: after `.`, `!` or `?` and a space one starts only where no digit and no lower-case
    letter follows, so `Step 1. 15 - 8 = 7` and `e.g. this` stay whole.
    """
    starts = [0]
    for found in BREAK.finditer(text):
        at, mark = found.end(), found.group()[0]
        if at == len(text) or not text[: found.start()].strip():
            continue
        if mark in ".!?" and "\n" not in found.group() and (text[at].isdigit() or text[at].islower()):
            continue
        starts.append(at)
    return starts


@dataclass(frozen=True)
class SelfAlignedPrompt:
    """Wording and order of the prompt that shows the target its own answers (structure: arXiv 2502.11779)."""

    text: str
    """The user turn; `{question}` and `{examples}` are replaced once each."""
    example: str
    """One example; `{answer}` is replaced."""
    rotation: Rotation = "skip_own"
    fallback: Literal["perplexity", "unfiltered"] = "perplexity"
    """What is shown when no own answer is correct: no examples, or answers whether right or wrong."""
    examples_first: str = field(default="{examples}\n\n{question}", metadata={"identity": False})
    """The user turn of `FixedExamples`, with the same marks, the examples first."""
    final_line: bool = field(default=True, metadata={"identity": False})
    """Whether an own answer is shown with the benchmark's final line, gold label in it, appended."""

    def __post_init__(self) -> None:
        turns = [(text, mark) for text in (self.text, self.examples_first) for mark in ("{question}", "{examples}")]
        for text, mark in (*turns, (self.example, "{answer}")):
            if text.count(mark) != 1:
                raise ValueError(f"prompt: the wording must contain {mark} exactly once, got: {text!r}")
        if self.examples_first.index("{examples}") > self.examples_first.index("{question}"):
            raise ValueError(
                f"prompt.examples_first must have {{examples}} before {{question}}: {self.examples_first!r}"
            )

    def wording(self, *, examples_first: bool = False) -> str:
        """Returns the user turn's wording in one of the two orders."""
        return self.examples_first if examples_first else self.text

    def hash(self, *, examples_first: bool = False) -> str:
        """Returns four hex digits that change with the wording."""
        return sha256(f"{self.wording(examples_first=examples_first)}\0{self.example}".encode()).hexdigest()[:4]

    def render(self, question: str, answers: Sequence[str], *, examples_first: bool = False) -> str:
        """Returns the user turn for one question; without answers it is the bare question."""
        if not answers:
            return question
        examples = "\n\n".join(_put(self.example, answer=answer) for answer in answers)
        return _put(self.wording(examples_first=examples_first), question=question, examples=examples)


def _put(wording: str, **parts: str) -> str:
    """Fills each mark once, from left to right, and never inside filled-in data."""
    marks = sorted(parts, key=lambda mark: wording.index("{" + mark + "}"))
    filled, rest = "", wording
    for mark in marks:
        before, _, rest = rest.partition("{" + mark + "}")
        filled += before + parts[mark]
    return filled + rest


def rotate(position: int, question_id: str, pool_ids: Sequence[str], n: int, rotation: Rotation) -> list[int]:
    """Returns the indices into the pool of the examples shown with one question.

    Args:
        position: 0-based place of the question among the scored ones.
        question_id: its id.
        pool_ids: the question id each pool entry answers, in question order.
        n: how many examples are wanted; fewer come back where the pool is smaller.
        rotation: `skip_own` takes the next n entries after `position`, wrapping around, leaving out the question's
            own answer; `paper` takes (position + 1 + j) mod (N - 1), which never uses the last entry and may, after
            wrapping around, show the question its own answer (the authors' code for arXiv 2502.11779).
    """
    size = len(pool_ids)
    if rotation == "paper":
        usable = size - 1
        return [(position + 1 + j) % usable for j in range(min(n, usable))] if usable > 0 else []
    order = [(position + 1 + j) % size for j in range(size)] if size else []
    return [index for index in order if pool_ids[index] != question_id][:n]


@dataclass(frozen=True)
class Template:
    """How a conversation becomes text: `chat` by the tokenizer's own template, `paper` by the plain-text frame.

    Args:
        kind: which of the two.
        system: the system sentence of the paper's frame; empty for the form without one.
        options: what the chat template is told beside the turns, such as `{"enable_thinking": False}`.
        date: the day the chat template is told it is, where it asks.
    """

    kind: Literal["chat", "paper"] = "chat"
    system: str = ""
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    date: str = "2024-07-26"


FRAME_END = "[/INST]"
"""The end of the prompt in the paper's frame; the response follows after one space."""


def paper_frame(turns: Sequence[Message], system: str = "") -> str:
    """Returns turns in the plain-text frame of arXiv 2502.11779: Llama-2's markers, whatever the target.

    Args:
        turns: the turns of a conversation; a system turn takes the place of `system`.
        system: the sentence of the system block; empty for the form without one (the authors' Mistral).
    """
    text = ""
    for turn in turns:
        if turn["role"] == "system":
            system = turn["content"]
        elif turn["role"] == "user":
            block = f"<<SYS>>\n{system}\n<</SYS>>\n\n" if system and not text else ""
            text += f"{' ' if text else ''}[INST] {block}{turn['content']} {FRAME_END}"
        else:
            text += f" {turn['content']}"
    return text
