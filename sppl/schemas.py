"""Shared types (questions, messages, sources) and one table schema per kind of artifact."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, Protocol, TypedDict, runtime_checkable

import numpy as np
import pandas as pd
import pandera.pandas as pa

Split = Literal["train", "validation", "test"]


class Message(TypedDict):
    """One turn of a chat: who speaks (`system`, `user`, `assistant`, `tool`) and what."""

    role: str
    content: str
    tool_calls: NotRequired[list[dict[str, Any]]]
    """The assistant's calls of tools, each `{type, function: {name, arguments}}` and its `id`, if it has one."""
    tool_call_id: NotRequired[str]
    """The call whose result a tool returns."""
    name: NotRequired[str]
    """The tool's name, or the speaker's."""


class UserError(Exception):
    """A mistake of the user: the message says what was asked, what is there and how to go on."""


@dataclass(frozen=True)
class Question:
    """One question of a benchmark; `prompt` is the text shown in training, scoring, prediction and evaluation."""

    id: str
    prompt: str
    answer: str
    """The gold label, in the form the benchmark's judge expects."""
    solution: str = ""
    """The data set's own worked solution, empty where it has none."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Further data for teachers or answer rules (structure, test cases, plans)."""


@dataclass(frozen=True)
class Conversation(Question):
    """A question with more turns than its own; `prompt` is the last of the user's."""

    turns: tuple[Message, ...] = ()
    """All turns before the response."""
    whole: bool = False
    """Whether a response is all that follows, several turns as `sppl.data.conversations` writes them; else a text."""


def question_wording(question: Question) -> Any:
    """Returns everything before the response to a question, as plain data."""
    if isinstance(question, Conversation):
        return {"turns": list(question.turns), "whole": question.whole}
    return question.prompt


class QuestionSource(Protocol):
    """A source of questions; a frozen dataclass whose fields identify the content."""

    def questions(self, split: Split, n: int | None = None) -> list[Question]:
        """Returns the first `n` questions of a split in a fixed order (all with None)."""
        ...


@runtime_checkable
class Answered(Protocol):
    """A source of questions that also knows which of them a single strategy answers."""

    def answered_by(self, strategy: "Strategy") -> list[Question]:
        """Returns all training questions that the strategy has a response to, in a fixed order."""
        ...


class Strategy(Protocol):
    """A response generation strategy as every layer sees it."""

    @property
    def name(self) -> str: ...

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names of the same strategy, as files and records spell it."""
        ...


class ResponseSource(Protocol):
    """A source of a strategy's responses; a frozen dataclass whose fields identify the content."""

    @property
    def label(self) -> str:
        """Where the responses come from, for tables: `simulated`, `files`, `teacher`."""
        ...

    @property
    def paid(self) -> bool:
        """Whether answering costs money; then only the stage `generate` asks."""
        ...

    @property
    def by_id(self) -> bool:
        """Whether the response to a question lies there by its id, whatever its gold answer and other fields say."""
        ...

    def respond(self, strategy: Strategy, questions: list[Question]) -> list[str]:
        """Returns one response per question, in their order.

        Raises:
            UserError: the source has no responses of this strategy; the message lists those it has.
        """
        ...


@runtime_checkable
class Identified(Protocol):
    """A source whose responses depend on more than its fields, such as a file's content."""

    def identity(self, strategy: Strategy) -> Any:
        """Returns plain data that change whenever the responses of this strategy may."""
        ...


@dataclass(frozen=True)
class Sampling:
    """How answers are sampled; the same prompt always gets the same answer.

    Args:
        temperature: above 0.
        top_p: share of the probability that the next token is drawn from.
        top_k: only this many most likely tokens are drawn from; 0 for all.
        seed: another one gives other answers.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.temperature <= 0 or not 0 < self.top_p <= 1 or self.top_k < 0:
            raise UserError(
                "benchmark.sampling needs temperature > 0, 0 < top_p <= 1 and top_k >= 0, got "
                f"{self.temperature}, {self.top_p} and {self.top_k}; greedy answers: benchmark.sampling.temperature=0"
            )


@dataclass(frozen=True)
class Estimate:
    """An estimate of what asking a teacher takes: requests, tokens read and written, US dollars (None: unknown).

    `most` is the cost if every answer is as long as it may be and no request is repeated; `under_way` are further
    requests in batches that were created before.
    """

    teacher: str
    requests: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    most: float = 0.0
    under_way: int = 0

    def __str__(self) -> str:
        price = "at an unknown price" if self.cost is None else f"for about ${self.cost:.2f}"
        price += f"; {self.under_way} more are under way in a batch" if self.under_way else ""
        return (
            f"{self.requests} requests to {self.teacher}, about {self.input_tokens:,} tokens read and "
            f"{self.output_tokens:,} written, {price}"
        )


@runtime_checkable
class PaidSource(Protocol):
    """A response source that asks teachers: it can estimate the cost beforehand, and ask again."""

    def within(self, budget: Any) -> "ResponseSource":
        """Returns the same source with a budget of its own."""
        ...

    def estimate(self, strategy: Strategy, questions: list[Question]) -> Estimate:
        """Estimates what answering these questions would take."""
        ...

    def begin(self, strategy: Strategy, questions: list[Question]) -> None:
        """Creates batches of requests, where they are asked in batches; `respond` waits for the answers."""
        ...

    def respond_again(self, strategy: Strategy, questions: list[Question], attempt: int) -> Mapping[str, str]:
        """Returns another answer per question id, where there is one; the number of the attempt makes it differ."""
        ...

    def usage(self, strategy: Strategy, questions: list[Question]) -> Mapping[str, Any]:
        """Returns what the answers to these questions took."""
        ...


Schema = pa.DataFrameSchema


def table_schema(columns: Mapping[str, type | str | pa.Column], key: list[str], *, extra: bool = False) -> Schema:
    """Returns the schema of a table: its columns, its key, and whether it may have further columns."""
    parts = {name: kind if isinstance(kind, pa.Column) else pa.Column(kind) for name, kind in columns.items()}
    return pa.DataFrameSchema(parts, unique=key, strict=not extra)


def column(kind: type | str, check: pa.Check | None = None, *, required: bool = True) -> pa.Column:
    """Returns a column whose values pass a check."""
    return pa.Column(kind, check, required=required)


def _optional(kind: type | str) -> pa.Column:
    return pa.Column(kind, nullable=True, required=False)


FRACTION = pa.Check.in_range(0, 1, error="a fraction between 0 and 1 (percent? divide by 100)")
COSINE = pa.Check.in_range(-1 - 1e-6, 1 + 1e-6, error="a cosine between -1 and 1")
NOT_NEGATIVE = pa.Check.ge(0)
FINITE = pa.Check(lambda values: np.isfinite(values), error="a finite number")

TABLES: dict[str, Schema] = {
    "responses": table_schema(
        {"question_id": str, "question": str, "response": str, "taken_from": _optional(str)},
        ["question_id", "question"],
    ),
    "predictions": table_schema({"question_id": str, "prediction": str}, ["question_id"]),
    "answers": table_schema({"question_id": str, "answer": str}, ["question_id"]),
    "verdicts": table_schema(
        {"question_id": str, "question": str, "answer": str, "correct": pa.Column(float, FRACTION)},
        ["question_id", "question", "answer"],
    ),
    "samples": table_schema(
        {
            "strategy": str,
            "question_id": str,
            "prompt_tokens": pa.Column("Int64", nullable=True),
            "response_tokens": pa.Column("Int64", nullable=True),
            "correct": pa.Column("boolean", nullable=True),
        },
        ["strategy", "question_id"],
    ),
    "scores": table_schema(
        {
            "benchmark": str,
            "target_model": str,
            "strategy": str,
            "metric": str,
            "example_id": _optional(str),
            "start": _optional("Int64"),
            "end": _optional("Int64"),
            "value": float,
        },
        ["benchmark", "target_model", "strategy", "metric", "example_id", "start", "end"],
        extra=True,
    ),
    "races": table_schema(
        {
            "questions": "int64",
            "strategy": str,
            "n_examples": "int64",
            "mean": float,
            "behind": float,
            "z": float,
            "limit": float,
            "survives": bool,
        },
        ["questions", "strategy"],
    ),
    "shortlists": table_schema(
        {"strategy": str, "value": float, "rank": float, "pilot": pa.Column(float, FRACTION), "settled": bool},
        ["strategy"],
    ),
    "rankings": table_schema(
        {"benchmark": str, "target_model": str, "metric": str, "strategy": str, "value": float, "rank": float},
        ["benchmark", "target_model", "metric", "strategy"],
        extra=True,
    ),
    "results": table_schema(
        {"question_id": str, "answer": str, "correct": pa.Column(float, FRACTION)},
        ["question_id"],
    ),
    "also_results": table_schema({"question_id": str, "metric": str, "value": float}, ["question_id", "metric"]),
    "outcomes": table_schema(
        {
            "benchmark": str,
            "target_model": str,
            "strategy": str,
            "setup": str,
            "seed": "int64",
            "accuracy": pa.Column(float, FRACTION),
        },
        ["benchmark", "target_model", "strategy", "setup", "seed"],
        extra=True,
    ),
}
"""One table per kind of artifact: values in nats, tokens and fractions. Those that metrics ask for by themselves say it
in their own files (`sppl.tables`).

`responses`: `taken_from` is the strategy a derived one has a response from. `samples`: one row per strategy and scored
response, its length as a training example. `scores`: a row without `example_id` is the
mean of the slice `start <= index < end`. `races`: one row per batch and strategy still in the race, its standing (nats
per token) on the first `questions`. `shortlists`: one row per shortlisted strategy, best score first; `pilot` is what
its short trainings reached on validation questions. `results`: one row per test question. `also_results`: one row per
document and metric of one of lm-eval's own tasks. `outcomes`: one row per trained (or untrained) model, its accuracy
over `results`; `setup` names the training settings apart from the seed.
"""


def validate(frame: pd.DataFrame, kind: str, name: str, schema: Schema | None = None) -> pd.DataFrame:
    """Checks columns, types and keys of a table, and returns it.

    Args:
        frame: a table.
        kind: the kind of artifact.
        name: the artifact's name, for the message.
        schema: the schema of a kind that `TABLES` lacks; where neither is known, any table passes.

    Raises:
        UserError: they differ; the message names every column and the first offending values.
    """
    schema = schema or TABLES.get(kind)
    if schema is None:
        return frame
    key = [column for column in schema.unique or [] if column in frame]
    schema = pa.DataFrameSchema(schema.columns, unique=key, strict=bool(schema.strict))
    try:
        return schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        lines = [
            f"{case.column or 'table'}: {case.check}, found {case.failure_case!r}"
            for case in cases.drop_duplicates(["column", "check"]).itertuples()
        ]
        raise UserError(f"{name} is not a table of {kind}: " + "; ".join(lines)) from None
