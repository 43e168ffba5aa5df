"""What a response generation strategy is: who answers, what they see, what they are asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from sppl.bounds import Count, NotNegative
from sppl.schemas import Question

NAME_ONLY: dict[str, Any] = {"identity": False}
"""Marks what is said about a recipe and does not shape its responses."""


class Chooser(Protocol):
    """Says how good each of several responses to a question is; stages have one that asks the target."""

    only_right: bool
    """Whether a wrong response is taken only where no right one can be."""

    def identity(self, store: Any, benchmark: Any) -> Mapping[str, Any]:
        """What the choice depends on, beside the responses and their verdicts."""
        ...

    def plan(self, candidates: Mapping[str, Any]) -> Any:
        """What is there, and what would be made, to choose among the responses of these strategies."""
        ...

    def values(
        self,
        store: Any,
        benchmark: Any,
        examples: Mapping[str, Sequence[tuple[Question, str]]],
        inputs: Mapping[str, Mapping[str, str]],
    ) -> Mapping[str, Mapping[str, float]]:
        """Per strategy and question id, lower is better; `inputs` are the artifacts the responses were read from."""
        ...


@dataclass(frozen=True)
class Recipe:
    """A response generation strategy.

    Args:
        name: the word tables and artifacts use.
        summary: one line for people: who writes the responses, and how.
        aliases: other names of the same strategy in records and files.
        ranked: whether it competes; a reference such as the bare gold label is trained and shown, never ranked.
        given: the response is no teacher's but the question's own `solution`, or its gold `label`.
        of: the strategies a derived strategy takes its responses from; without `best` each question draws one of them
            by its id.
        best: chooses for each question the best of those responses.
        teacher: who writes the responses, a name of the group `teacher`.
        system: the system message; empty for none.
        request: the user message; `{question}`, `{known}`, `{examples}` and `{solution}` are replaced once each.
        sees: what `{known}` tells; `task` artifacts it to the benchmark, the others overrule it.
        examples: the set of worked examples `{examples}` shows, e.g. `human`.
        tries: answers asked for at most, one after the other, while they are wrong.
        temperature: of the teacher's sampling; None for the API's own default.
        max_tokens: of one response.
        expected_tokens: of one response, for the estimate of the cost.
    """

    name: str
    summary: str = field(metadata=NAME_ONLY)
    aliases: tuple[str, ...] = field(default=(), metadata=NAME_ONLY)
    ranked: bool = field(default=True, metadata=NAME_ONLY)
    given: Literal["", "solution", "label"] = ""
    of: Mapping[str, "Recipe"] = field(default_factory=dict)
    best: Chooser | None = field(default=None, metadata=NAME_ONLY)
    teacher: str = ""
    system: str = ""
    request: str = ""
    sees: Literal["task", "question", "answer", "solution"] = "task"
    examples: str = ""
    tries: Count = 3
    temperature: NotNegative | None = None
    max_tokens: Count = 2000
    expected_tokens: int = field(default=300, metadata=NAME_ONLY)
