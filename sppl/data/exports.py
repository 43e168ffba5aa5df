"""Writes questions and responses for other trainers: JSON lines in three shapes, with a data set card."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sppl.data.conversations import answer_turns, turns_before
from sppl.schemas import Conversation, Question, UserError

Row = dict[str, object]


def _messages(question: Question, response: str) -> Row:
    return {"id": question.id, "messages": [*turns_before(question), *answer_turns(question, response)]}


def _prompt_completion(question: Question, response: str) -> Row:
    if isinstance(question, Conversation):  # as turns, which keep who says what
        return {"id": question.id, "prompt": turns_before(question), "completion": answer_turns(question, response)}
    return {"id": question.id, "prompt": question.prompt, "completion": response}


def _alpaca(question: Question, response: str) -> Row:
    if isinstance(question, Conversation):
        raise UserError(
            f"shape=alpaca holds one question and one answer, and {question.id} is a conversation; export it with its "
            "roles: stage.export.shape=messages"
        )
    return {"id": question.id, "instruction": question.prompt, "input": "", "output": response}


SHAPES: dict[str, Callable[[Question, str], Row]] = {
    "messages": _messages,
    "prompt_completion": _prompt_completion,
    "alpaca": _alpaca,
}
"""Shape -> the function that makes a row: for TRL (`messages`, `prompt_completion`) and LLaMA-Factory (`alpaca`)."""


@dataclass(frozen=True)
class Card:
    """The data set card of an export; `right` is None where nothing is judged."""

    benchmark: str
    strategy: str
    summary: str
    source: str
    rows: int
    right: int | None
    shape: str
    command: str

    def text(self) -> str:
        """Returns the card as Markdown with the hub's header."""
        files = [{"config_name": "default", "data_files": "data.jsonl"}]
        head = {"pretty_name": f"{self.benchmark}, {self.strategy}", "configs": files}
        judged, asked = f"{self.right} of them judged right by the benchmark's own rule", "questions and gold answers"
        if self.right is None:
            judged, asked = "they were not judged", "questions"
        header = "\n".join(f"{key}: {json.dumps(value)}" for key, value in head.items())
        return (
            f"---\n{header}\n---\n\n# {self.benchmark}: responses of {self.strategy}\n\n{self.summary}.\n\n"
            f"* {self.rows} rows in `data.jsonl`, shape `{self.shape}`; source of the responses: {self.source}\n"
            f"* {judged}\n"
            f"* {asked}: benchmark `{self.benchmark}`; its licence is that of its source\n"
            f"* made by: `{self.command}`\n"
        )


def write_rows(shape: str, pairs: Sequence[tuple[Question, str]]) -> str:
    """Returns the rows as JSON lines.

    Raises:
        UserError: the shape is unknown.
    """
    if shape not in SHAPES:
        raise UserError(f"stage.export.shape={shape}: there are {', '.join(SHAPES)}")
    return "".join(json.dumps(SHAPES[shape](*pair), ensure_ascii=False) + "\n" for pair in pairs)
