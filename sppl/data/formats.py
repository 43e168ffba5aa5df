"""Reads a user's record in any of the usual formats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any, Literal, get_args

from sppl.data.contents import Record
from sppl.data.conversations import BadTurns, Taken, read_conversation, split_response, write_turns
from sppl.data.problems import shorten
from sppl.data.tally import SEVERAL, SYSTEM
from sppl.data.turns import SEVERAL_TURNS, Turns, read_turns
from sppl.data.values import NotText, text_of, texts_of
from sppl.schemas import Message, UserError

KNOWN = (
    "{question, answer[, gold_label]}, {prompt, completion}, {instruction[, input], output}, "
    "{instruction, teacher_output}, {messages: [{role, content}]}, {conversations: [{from, value}]}"
)
QUESTION = ("question", "prompt", "instruction")
RESPONSE = ("response", "teacher_output", "completion", "output")
GOLD = ("gold_label", "gold", "label")
CHATS = {"messages": ("role", "content"), "conversations": ("from", "value")}
SYSTEM_FIELDS = ("system", "system_prompt")
KEPT = ("options", "answers")
"""List fields that an answer rule can use, passed on as they are."""
OURS = ("question", "response", "gold", "id", "solution", "split", "strategy", *KEPT)
"""Our names that a file's field can be mapped to."""

PREPEND = "benchmark.questions.system=prepend"
System = Literal["refuse", "drop", "prepend"]
Choice = Literal["refuse", "drop"]
Several = Literal["refuse", Taken]


class BadField(Exception):
    """A field's value cannot be used.

    Args:
        name: of the field.
        why: in words.
        way: the setting with which the record is read or left out nevertheless, if there is one.
        kind: which of the tally's kinds the record is of, if it is of one.
    """

    def __init__(self, name: str, why: str, way: str = "", kind: str = "") -> None:
        super().__init__(why)
        self.name, self.why, self.way, self.kind = name, why, way, kind


@dataclass(frozen=True)
class Format:
    """How records are read: names of fields, and what becomes of records that need a decision.

    Args:
        fields: our names (those of `OURS`) to the files'.
        system: what becomes of a system turn, for which a question, one text, has no place.
        history: what becomes of turns before the question, where `turns` refuses several.
        turns: what of a conversation is the response: `last`, its last turn, or `all` turns of the assistant; `refuse`
            conversations. Where they are read, a system turn is one of the turns unless `system` says otherwise.
        duplicates: what becomes of a record that says the same as an earlier one of its strategy.
        empties: what becomes of a record without a question or a response, and of a question without a gold answer,
            where others of the file have one.
        missing: what becomes of questions that not every strategy answers.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    system: System = "refuse"
    history: Choice = "refuse"
    turns: Several = "refuse"
    duplicates: Choice = "drop"
    empties: Choice = "refuse"
    missing: Choice = "drop"

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.fields) - set(OURS)):
            raise UserError(
                f"benchmark.questions.fields: there is no {', '.join(unknown)}; there are {', '.join(OURS)}"
            )
        known = {"system": get_args(System), "turns": ("refuse", *get_args(Taken))}
        known |= dict.fromkeys(("history", "duplicates", "empties", "missing"), get_args(Choice))
        for name, kinds in known.items():
            if getattr(self, name) not in kinds:
                said = " and ".join(kinds)
                raise UserError(f"benchmark.questions.{name}={getattr(self, name)}: there are {said}")


@dataclass(frozen=True)
class Entry:
    """One record by our names of fields; a field that the record lacks is an empty string."""

    id: str = ""
    question: str = ""
    response: str = ""
    gold: str = ""
    solution: str = ""
    split: str = ""
    strategy: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    turns: tuple[Message, ...] = ()
    """All turns before the response, where conversations are read and the record has a question."""
    unread: tuple[str, ...] = ()
    """Fields that are not empty and were not read."""
    settled: tuple[str, ...] = ()
    """What settings decided about this record, in words."""
    kinds: tuple[str, ...] = ()
    """The kinds of the tally that the record belongs to."""


def describe_shape(record: Record, how: Format) -> str:
    """Returns the fields with a record's question and response, for a table."""
    known = (*how.fields.values(), *CHATS, *QUESTION, *RESPONSE, "answer")
    return ", ".join(dict.fromkeys(name for name in known if name in record)) or "none known"


def read_entry(record: Record, how: Format, *, answer_is_gold: bool) -> Entry:
    """Reads a record by its fields, or by `how.fields` where those are given.

    A field `answer` is the gold answer where `answer_is_gold` (a file of questions), or where the response stands in
    another field and no field has the gold answer; else it is the response.

    Raises:
        BadField: a field is of another type, or holds what a question has no place for.
    """
    reader = _Reader(record, how)
    chat = reader.chat()
    question = reader.said("question", QUESTION, chat.question)
    response = reader.said("response", RESPONSE, chat.response)
    gold = reader.said("gold", GOLD)
    if "answer" not in reader.read:
        if not (answer_is_gold or response):
            response = reader.said("response", ("answer",))
        elif not gold:
            gold = reader.text("answer")
    own = {name: reader.said(name, (name,)) for name in ("id", "solution", "split", "strategy")}
    kept = {name: found for name in KEPT if (found := reader.texts(name))}
    question = reader.settle(question)
    if how.turns == "all" and response.strip() and response != chat.response:
        response = write_turns([Message(role="assistant", content=response)])
    known = {"question": question, "response": response, "gold": gold, **own}
    known["id"] = known["id"].strip()
    return Entry(
        **known,
        fields=kept,
        turns=reader.before(question),
        unread=reader.unread(),
        settled=tuple(reader.settled),
        kinds=reader.kinds(),
    )


class _Reader:
    """Reads fields of one record and remembers which were read."""

    def __init__(self, record: Record, how: Format) -> None:
        self.record, self.how = record, how
        self.read: set[str] = set()
        self.odd: list[str] = []
        self.settled: list[str] = []
        self.system: list[tuple[str, str]] = []
        self.talk: list[Message] = []
        """The turns before the response of a record that is a conversation, without the system's."""

    def text(self, name: str) -> str:
        """Returns the text of a field; empty where it is absent or empty."""
        self.read.add(name)
        try:
            return text_of(self.record.get(name))
        except NotText as bad:
            raise BadField(name, str(bad)) from None

    def texts(self, ours: str) -> list[str]:
        """Returns the texts of a list; none where it is absent."""
        name = self.how.fields.get(ours, ours)
        self.read.add(name)
        try:
            return texts_of(self.record[name]) if self.record.get(name) is not None else []
        except NotText as bad:
            raise BadField(name, str(bad)) from None

    def said(self, ours: str, usual: Sequence[str], known: str = "") -> str:
        """Returns the text under the mapped name, else `known`, else the first text under a usual name."""
        mapped = self.how.fields.get(ours)
        if mapped in self.record:  # a file of questions need not have the field of the responses
            return self.part(mapped, ours)
        if known:
            return known
        for name in usual:
            if self.record.get(name) is not None and (found := self.part(name, ours)).strip():
                return self.with_input(found) if name == "instruction" else found
        return ""

    def part(self, name: str, ours: str) -> str:
        """Returns the text of a field that may also hold one side of a chat, as turns."""
        value = self.record[name]
        if not (isinstance(value, list) and value and isinstance(value[0], Mapping)):
            return self.text(name)
        found = self.turns(name, *CHATS["messages"])
        side = found.question if ours == "question" else found.response
        if not side or (found.question and found.response):
            raise BadField(name, f"the turns of the {ours} alone are wanted here")
        return side

    def chat(self) -> Turns:
        """Returns the turns of a record that is a chat; empty ones for other records."""
        name = next((name for name in CHATS if self.record.get(name) is not None), "")
        if not name and self.how.turns != "refuse" and isinstance(self.record.get("prompt"), list):
            return self.conversation("prompt", *CHATS["messages"], self.record.get("completion"))
        return self.turns(name, *CHATS[name]) if name else Turns()

    def conversation(self, name: str, speaker: str, content: str, more: Any = None) -> Turns:
        """Returns the question and the response of a conversation, some turns of which (`more`) stand elsewhere."""
        self.read.update({name, "completion"} if isinstance(more, list) else {name})
        value = self.record[name]
        try:
            found, unread = read_conversation(value + more if isinstance(more, list) else value, speaker, content)
            before, response = split_response(found, "all" if self.how.turns == "all" else "last")
        except BadTurns as bad:
            raise BadField(name, str(bad)) from None
        self.odd += [f"{name}.{key}" for key in unread]
        if before[0]["role"] == "system":
            self.system.append((name, before.pop(0)["content"]))
        self.talk = before
        said = write_turns(response) if self.how.turns == "all" else response[0]["content"] if response else ""
        return Turns(question=_last_question(before), response=said if response else "")

    def before(self, question: str) -> tuple[Message, ...]:
        """Returns all turns before the response, by the settings; none where conversations are not read."""
        if self.how.turns == "refuse" or not question.strip():
            return ()
        kept = [text for _, text in self.system] if self.how.system == "refuse" else []
        return (*[Message(role="system", content=text) for text in kept], *self.talk)

    def turns(self, name: str, speaker: str, content: str) -> Turns:
        if self.how.turns != "refuse":
            return self.conversation(name, speaker, content)
        self.read.add(name)
        try:
            found = read_turns(self.record[name], speaker, content)
        except BadTurns as bad:
            several = str(bad).endswith(SEVERAL_TURNS)
            way = "benchmark.questions.turns=last" if several else ""
            raise BadField(name, str(bad), way, SEVERAL * several) from None
        self.system += [(name, found.system)] if found.system else []
        self.odd += [f"{name}.{key}" for key in found.unread]
        return found

    def with_input(self, instruction: str) -> str:
        """Returns an instruction with its input."""
        return "\n\n".join(part for part in (instruction, self.text("input")) if part)

    def settle(self, question: str) -> str:
        """Returns the question once the settings have decided about a system turn and earlier turns."""
        system = self.system + [(name, text) for name in SYSTEM_FIELDS if (text := self.text(name)).strip()]
        self.system = system
        if self.how.turns != "refuse":
            return self.settle_conversation(question)
        if system and self.how.system == "refuse":
            name, text = system[0]
            raise BadField(
                name,
                f"a system turn ({shorten(text)}), and a question is one text; benchmark.questions.system=prepend puts "
                "it before the question, benchmark.questions.system=drop leaves it out",
                PREPEND,
                SYSTEM,
            )
        if system:
            done = "put before the question" if self.how.system == "prepend" else "left out"
            self.settled.append(f"a system turn {done} (benchmark.questions.system={self.how.system})")
        if self.record.get("history"):
            if self.how.history == "refuse":
                raise BadField(
                    "history",
                    "turns before the question, and a question is one text; benchmark.questions.history=drop leaves "
                    "them out",
                    "benchmark.questions.history=drop",
                    SEVERAL,
                )
            self.settled.append("turns before the question left out (benchmark.questions.history=drop)")
        self.read.add("history")
        before = [text for _, text in system] if self.how.system == "prepend" else []
        return "\n\n".join([*before, question])

    def settle_conversation(self, question: str) -> str:
        """Returns the last question, with a system turn before it if the setting says so; earlier turns stay turns."""
        self.read.add("history")
        if self.system and self.how.system != "refuse":
            done = "put before the first question" if self.how.system == "prepend" else "left out"
            self.settled.append(f"a system turn {done} (benchmark.questions.system={self.how.system})")
        if len(self.system) > 1 and self.how.system == "refuse":
            raise BadField(self.system[1][0], "a second system turn; leave one out")
        self.talk = self.talk or [
            *self.history(),
            *([Message(role="user", content=question)] if question.strip() else []),
        ]
        if self.system and self.how.system == "prepend" and self.talk:
            text = "\n\n".join([*(text for _, text in self.system), self.talk[0]["content"]])
            self.talk = [Message(role="user", content=text), *self.talk[1:]]
        return _last_question(self.talk)

    def history(self) -> list[Message]:
        """Returns Alpaca's turns before the question, pairs of the user's and the assistant's texts."""
        pairs = self.record.get("history") or []
        if self.how.history == "drop" or not pairs:
            return []
        try:
            turns = [
                {"role": role, "content": text}
                for pair in pairs
                for role, text in zip(("user", "assistant"), pair, strict=True)
            ]
            return read_conversation(turns, *CHATS["messages"])[0]
        except (BadTurns, TypeError, ValueError) as bad:
            raise BadField("history", f"pairs of a user's and an assistant's turn are wanted ({bad})") from None

    def kinds(self) -> tuple[str, ...]:
        """Returns the kinds that the record belongs to: with a system turn, with turns before its question."""
        several = sum(turn["role"] == "user" for turn in self.talk) > 1 or self.record.get("history")
        return (*[SYSTEM] * bool(self.system), *[SEVERAL] * bool(several))

    def unread(self) -> tuple[str, ...]:
        rest = [str(name) for name, value in self.record.items() if name not in self.read and not _empty(value)]
        return (*rest, *self.odd)


def _last_question(turns: Sequence[Message]) -> str:
    return next((turn["content"] for turn in reversed(turns) if turn["role"] == "user"), "")


def _empty(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return (
        value is None or (isinstance(value, list | dict) and not value) or (isinstance(value, float) and isnan(value))
    )
