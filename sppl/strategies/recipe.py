"""A response generation strategy: who answers, what they see, what they are asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from sppl.bounds import Count, NotNegative, misfits
from sppl.schemas import Question, UserError

NAME_ONLY: dict[str, Any] = {"identity": False}
"""Marks fields that do not shape a recipe's responses."""


class Chooser(Protocol):
    """Rates responses so that the best of several can be chosen (`sppl.study.best_by_metric`)."""

    only_right: bool
    """Whether a wrong response is taken only where no right one can be."""

    def identity(self, store: Any, benchmark: Any) -> Mapping[str, Any]:
        """Returns what the choice depends on, beside the responses and their verdicts."""
        ...

    def plan(self, candidates: Mapping[str, Any]) -> Any:
        """Returns the plan of what exists and what would be made to choose among these responses."""
        ...

    def values(
        self,
        store: Any,
        benchmark: Any,
        examples: Mapping[str, Sequence[tuple[Question, str]]],
        inputs: Mapping[str, Mapping[str, str]],
    ) -> Mapping[str, Mapping[str, float]]:
        """Returns a value per strategy and question id, lower is better; `inputs` are the responses' artifacts."""
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
        sees: what `{known}` tells the teacher; `task` leaves it to the benchmark, other values overrule that.
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

    def __post_init__(self) -> None:
        if wrong := misfits(self):
            raise UserError(f"strategy.{self.name}: {'; '.join(wrong)}")
