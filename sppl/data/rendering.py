"""Takes rendered conversations apart: prompt, response and end, read off the template's own output and verified.

Where a prompt ends, what stands before a response, what of it is written, and what ends the turn: none of this is
assumed. A conversation with a mark in place of the response is rendered and taken apart, and two texts show that the
parts, put together, are the ids of the whole.
"""

import logging
from collections.abc import Sequence
from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sppl.models.chat import check_template, generated_spans, refuse_unwritten, tokenizer_name, write_chat
from sppl.prompts import Template
from sppl.schemas import Message, UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

log = logging.getLogger(__name__)

MARK = "\u2402"
"""Stands for a response; no template writes it by itself."""
QUESTION = Message(role="user", content="?")
"""The question before every response that is taken apart; a response's tokens do not depend on it."""
TEXTS = (
    ("How much is 3 + 4?", "3 + 4 = 7.\nFinal Answer: 7"),
    ("Why do plums fall, and pears?", "Because “down” is where they go (all of them)"),
)
"""Questions and responses that the parts are verified with."""

Ids = tuple[int, ...]


class Turn(NamedTuple):
    """The assistant's turn after a prompt."""

    text: str
    """The response as the template writes it: some trim it."""
    lead: Ids
    """What the template writes before it, such as an empty think block; mostly nothing."""
    response: Ids
    """The response's ids; a space that the template puts before it belongs to its first word."""
    end: Ids
    """What ends the turn, without anything the template writes after that."""


class Rendering:
    """The conversations of one tokenizer in one template.

    Args:
        tokenizer: of the target.
        template: the frame.

    Raises:
        UserError: there is no such template, it does not write what it is given, or the parts are not the whole.
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerBase", template: Template) -> None:
        check_template(tokenizer, template)
        self.tokenizer, self.template = tokenizer, template
        self.opening = _opening(tokenizer) if template.kind == "paper" else ()
        finished, asked = self._write([QUESTION, _answer(MARK)]), self._write([QUESTION], ask=True)
        if finished.count(MARK) != 1:
            raise UserError(
                f"the chat template of {tokenizer_name(tokenizer)} writes a response {finished.count(MARK)} times "
                "instead of once, so nothing can be trained on; mend chat_template.jinja in the model's folder, or "
                "take the plain frame: target_model.template=paper"
            )
        self._before, self._after = finished.split(MARK)
        unasked = self._write([QUESTION])
        never_asks = asked == unasked and self._before[len(asked) :].strip()
        self._as_asked = self._before.startswith(asked) and not never_asks
        self._start = asked if self._as_asked else self._before.rstrip(" ")
        self.lead = self._before[len(self._start) :]
        self._start_ids = self.ids(self._start)
        asks = asked != unasked and asked.startswith(unasked)
        self._set_end(asked[len(unasked) :] if asks else self._before.rpartition(QUESTION["content"])[2])
        self._prove()
        self._say(asked)
        self.turn = lru_cache(maxsize=1 << 16)(self._turn)

    def prompt(self, turns: Sequence[Message]) -> Ids:
        """Returns the ids of a conversation up to where the assistant is to write."""
        return self.opening + self.ids(self.prompt_text(turns))

    def prompt_text(self, turns: Sequence[Message]) -> str:
        """Returns a conversation's text up to where the assistant is to write, as in a finished turn."""
        text = self._write(turns, ask=True) if self._as_asked else ""
        text = text or self._write([*turns, _answer(MARK)]).partition(MARK)[0].rstrip(" ")
        if len(turns) > 1:
            refuse_unwritten(self.tokenizer, text, turns)
        return text

    def whole_text(self, turns: Sequence[Message]) -> str:
        """Returns the text of a finished conversation."""
        text = self._write(turns)
        refuse_unwritten(self.tokenizer, text, turns)
        return text

    def generated(self, turns: Sequence[Message]) -> list[tuple[int, int]]:
        """Returns the spans of `whole_text` that the template marks as the assistant's; none without such marks."""
        return generated_spans(self.tokenizer, turns, self.template)

    @property
    def gap(self) -> str:
        """Blanks that the template puts between a response and the mark that ends it."""
        return self._after.partition(self.decoded(self.stop[:1]))[0] if self._rest else ""

    def says_nothing(self, text: str) -> bool:
        """Whether a text consists of added tokens and blanks only, such as an empty think block."""
        own = [token for token in self.ids(text) if token not in _added(self.tokenizer)]
        return not self.decoded(own).strip()

    @property
    def ending_marks(self) -> tuple[Ids, ...]:
        """The ids that may end a turn: the end of the last turn, or else another special token; may be empty."""
        added = cast("Any", self.tokenizer).added_tokens_decoder
        others = sorted(number for number, token in added.items() if token.special and number not in self.stop)
        return (self.stop, *((number,) for number in others)) if self._rest else ()

    def open_text(self, turns: Sequence[Message]) -> str:
        """Returns the text of a conversation whose last turn, the assistant's, is to be continued."""
        *before, last = turns
        marked = Message(role=last["role"], content=last["content"] + MARK)
        return self._write([*before, marked]).partition(MARK)[0]

    @property
    def name(self) -> str:
        """The tokenizer's name for messages."""
        return tokenizer_name(self.tokenizer)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Returns the first and last character of every id of the response, within `Turn.text`."""
        written, lead, _ = self._written(text)
        turn, whole = self.turn(text, end=False), self._start + lead + written
        first = len(self._start) + len(lead)
        if self.ids(whole)[len(self._start_ids) + len(turn.lead) :] != turn.response:
            whole, first = written, 0
        found = self.tokenizer(whole, add_special_tokens=False, return_offsets_mapping=True)
        spans = cast("list[tuple[int, int]]", found["offset_mapping"])[-len(turn.response) :] if turn.response else []
        return [(start - first, stop - first) for start, stop in spans]

    @property
    def ends(self) -> frozenset[int]:
        """The ids at which a generated turn is over."""
        return frozenset(self.stop[:1])

    def read(self, ids: Sequence[int]) -> str:
        """Returns the response in a generated turn, without thoughts and without what the template adds."""
        marks = [token for token in self.ids(self.lead) if token in _added(self.tokenizer)][-1:]
        places = [place for place, token in enumerate(ids) if token in marks]
        lead = self.lead.rpartition(self.decoded(marks))[2] if places else self.lead
        text = self.decoded(ids[places[-1] + 1 :] if places else ids, skip_special_tokens=True)
        return text.removeprefix(lead).removesuffix(self.gap)

    def _turn(self, text: str, *, end: bool) -> Turn:
        written, lead, whole = self._written(text)
        before = self.ids(self._start + lead)
        bare = self.ids(self._start + lead + written)
        ids = self.ids(whole)[: -self._rest] if self._rest else bare
        n = len(self._start_ids)
        if ids[:n] != self._start_ids:  # its first characters would become one token with the prompt's last
            return Turn(written, self.ids(lead) if lead.strip() else (), self.ids(written), self._ending(end, ()))
        first = max(n, _common(before, ids)) if lead.strip() else n
        last = len(bare) if _common(bare, ids) == len(bare) else len(ids)
        return Turn(written, ids[n:first], ids[first:last], self._ending(end, ids[last:]))

    def _ending(self, wanted: bool, gap: Ids) -> Ids:
        if wanted and not self.stop:
            raise UserError(
                f"nothing ends a turn of {self.name}: its template closes a response with no token of "
                "its own, and the tokenizer has no end-of-sequence token. Name one: eos_token in "
                "tokenizer_config.json of the model's folder"
            )
        return gap + self.stop if wanted else ()

    def _written(self, text: str) -> tuple[str, str, str]:
        """A response as the template writes it, what it writes before it, and all of the conversation.

        Raises:
            UserError: the template changes the response.
        """
        whole = self._write([QUESTION, _answer(text)])
        inner = whole.removeprefix(self._start).removesuffix(self._after)
        for lead in (self.lead, ""):  # a response that brings its own thoughts gets no empty ones
            written = inner.removeprefix(lead) if inner.startswith(lead) else None
            if written is not None and _letters(written) == _letters(text):
                return written, lead, whole
        raise UserError(
            f"the chat template of {self.name} does not write this response as it is: {text[:60]!r} "
            f"became {inner[-60:]!r}. Write the response as the template does (templates that think drop what stands "
            "before </think>), or take the plain frame: target_model.template=paper"
        )

    def _set_end(self, header: str) -> None:
        """Finds the token, or run of tokens, that the template ends a turn with; without one it is the tokenizer's.

        Args:
            header: of the assistant's turns, which some templates write after each in any case; it ends nothing.
        """
        headers = set(self.ids(header))
        after, added = self.ids(self._after), _added(self.tokenizer)
        place = next((place for place, token in enumerate(after) if token in added), None)
        own = cast("int | None", self.tokenizer.eos_token_id)
        self._rest = 0 if place is None else len(after) - place
        self.stop: Ids = () if own is None else (own,)
        if place is not None:
            further = takewhile(lambda token: token in added and token not in headers, after[place + 1 :])
            self.stop = (after[place], *further)

    def _prove(self) -> None:
        for question, text in TEXTS:
            turns = [Message(role="user", content=question)]
            _, lead, response, end = self._turn(text, end=bool(self.stop))
            made = self.prompt(turns) + lead + response + (end if self._rest else ())
            written = self._write([*turns, _answer(text)])
            if not self._rest:
                written = written[: written.rindex(text) + len(text)]
            whole = self.opening + self.ids(written)
            if made != whole[: len(made)]:
                self._refuse(made, whole)

    def _refuse(self, made: Ids, whole: Ids) -> None:
        same = _common(made, whole)
        ours, theirs = (repr(self.tokenizer.decode(list(ids[max(0, same - 2) : same + 4]))) for ids in (made, whole))
        tokens = [self.tokenizer.convert_ids_to_tokens(list(ids[same : same + 3])) for ids in (made, whole)]
        other = "target_model.template=paper" if self.template.kind == "chat" else "target_model.template=chat"
        raise UserError(
            f"with the tokenizer of {self.name} a prompt and a response after it are not the tokens of the "
            f"whole conversation: near {ours} they begin {tokens[0]}, the template's own {theirs} {tokens[1]}, so what "
            "is trained would not be what is asked. Often the prompt ends in a space that becomes part of the next "
            f"word: take it out of chat_template.jinja in the model's folder, or take the other frame: {other}"
        )

    def _say(self, asked: str) -> None:
        name = self.name
        if not self._as_asked:
            _say_once(
                f"{name}: the template asks with {asked[-40:]!r} and begins a finished answer with "
                f"{self._start[-40:]!r}; answers are asked for, scored and trained after the latter"
            )
        elif self.lead.strip():
            _say_once(
                f"{name}: the template writes {self.lead!r} before a response: it is scored after that, and trained "
                "with it. If the target thinks before it answers and is not to: "
                "target_model.template_options={enable_thinking: false}, where the template knows that option"
            )
        if not self._rest and self._after.strip():
            _say_once(
                f"{name}: the template closes a response with the text {self._after!r}, which is no token of the "
                "tokenizer; the end-of-sequence token is taught, and ends an answer, in its place"
            )

    def _write(self, turns: Sequence[Message], *, ask: bool = False) -> str:
        return write_chat(self.tokenizer, turns, self.template, ask=ask)

    def decoded(self, ids: Sequence[int], **how: bool) -> str:
        """Returns the text of ids."""
        return cast("str", self.tokenizer.decode(list(ids), clean_up_tokenization_spaces=False, **how))

    def ids(self, text: str) -> Ids:
        """Returns the ids of a text, without special tokens around it."""
        return tuple(cast("list[int]", self.tokenizer(text, add_special_tokens=False)["input_ids"]))


def _answer(text: str) -> Message:
    return Message(role="assistant", content=text)


def _opening(tokenizer: "PreTrainedTokenizerBase") -> Ids:
    """The ids that the tokenizer puts before every text."""
    bare, whole = (cast("list[int]", tokenizer("a", add_special_tokens=extra)["input_ids"]) for extra in (False, True))
    starts = [place for place in range(len(whole)) if whole[place : place + len(bare)] == bare]
    return tuple(whole[: starts[0]]) if starts else ()


def _added(tokenizer: "PreTrainedTokenizerBase") -> set[int]:
    """Tokens that are never part of a text by accident."""
    return {*tokenizer.all_special_ids, *cast("Any", tokenizer).added_tokens_decoder}


def _common(one: Ids, other: Ids) -> int:
    """The length of the common beginning of two sequences."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _letters(text: str) -> str:
    return "".join(text.split())


@lru_cache(maxsize=256)
def _say_once(message: str) -> None:
    log.warning(message)
