"""Builds the scoring requests of every response and context, and the tables of their statistics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from sppl.data.assistant_turns import Spoken, locate_turns
from sppl.data.conversations import answer_turns, turns_before
from sppl.data.reasoning_steps import response_steps
from sppl.data.tokens import alone_ids, lead_ids, prompt_ids, refuse_changed, refuse_unknown, rendering_of, response_ids
from sppl.models.target import TargetModel
from sppl.prompts import Context, SelfAlignedPrompt
from sppl.schemas import Conversation, Question, UserError
from sppl.scoring.pool import Pool
from sppl.scoring.requests import ScoringRequest
from sppl.scoring.scoring_settings import Scoring

if TYPE_CHECKING:
    from sppl.scoring.scorer import Scored


@dataclass(frozen=True)
class ResponseInContext:
    """One response of one strategy in one context; read step by step it takes a request per step."""

    example_id: str
    ids: tuple[int, ...]
    steps: tuple[int, ...]
    """The number of each token's reasoning step; empty where steps are not needed."""
    turns: tuple[int, ...] = field(default=(), kw_only=True)
    """The number of the assistant's turn that each token belongs to; empty where there is one turn."""
    requests: tuple[tuple[int, ScoringRequest], ...]
    """Each request with the position at which its response starts."""
    alone: int
    """Tokens of one forward pass over the question and the response."""
    prompt: tuple[int, ...] = ()
    """What its requests' prefixes begin with: all that does not depend on the response."""
    shortened: Literal["", "fewer_examples", "cut"] = ""
    """How the prompt was shortened: fewer own answers, or its beginning cut off as well."""

    @property
    def tokens(self) -> int:
        """Tokens to read if each request is scored by itself."""
        return sum(len(request.prefix) + request.n_fed for _, request in self.requests)

    def table(self, scored: Mapping[int, "Scored"]) -> pd.DataFrame:
        """Returns the statistics of the response's tokens."""
        parts = [self._rows(start, request, scored[request.index]) for start, request in self.requests]
        frame = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
        if self.steps:
            frame["step"] = np.asarray(self.steps, dtype=np.int32)[frame["token"]]
        if self.turns:
            frame["turn"] = np.asarray(self.turns, dtype=np.int32)[frame["token"]]
        return frame

    def _rows(self, start: int, request: ScoringRequest, one: "Scored") -> pd.DataFrame:
        places = np.arange(start + len(request.response) - request.n_scored, start + len(request.response))
        columns: dict[str, Any] = {
            "example_id": self.example_id,
            "token": places.astype(np.int32),
            "token_id": np.asarray(self.ids, dtype=np.int32)[places],
            "logprob": one.logprobs.astype(np.float32),
            "rank": one.ranks.astype(np.int32),
        }
        return pd.DataFrame(columns | {name: v.astype(np.float32) for name, v in one.further.items()})


class RequestBuilder:
    """Builds scoring requests, numbers them consecutively and encodes each prompt once.

    Args:
        target: has the template and the tokenizer.
        prompt: the wording of self-aligned contexts.
        pool: the target's own answers that these show.
        scorer: whether the end of a response is scored.
        first: position of the first question in the benchmark; it decides which answers are shown.
    """

    def __init__(
        self, target: TargetModel, prompt: SelfAlignedPrompt, pool: Pool, scorer: Scoring, first: int = 0
    ) -> None:
        self._tokenizer, self._wrapping = target.tokenizer(), target.wrapping
        self._prompt, self._pool, self._end, self._first = prompt, pool, scorer.end, first
        self._prompts: dict[tuple[str, tuple[str, ...], bool], tuple[int, ...]] = {}
        self._count = 0

    def responses(
        self,
        examples: Sequence[tuple[Question, str]],
        context: Context,
        *,
        steps: bool,
        rooms: Mapping[str, int] | None = None,
    ) -> list[ResponseInContext]:
        """Returns one entry per response of a strategy, in their order.

        Args:
            examples: the questions with the strategy's responses.
            context: what stands before the responses.
            steps: whether the numbers of steps are needed.
            rooms: question id -> tokens its prompt may have; a longer one is shown fewer own answers (the first goes
                first), and where it has none the question's beginning is cut off.
        """
        shown = self._pool.examples(context, self._prompt, [question for question, _ in examples], self._first)
        return [
            self._asked(question, text, own, context, steps=steps, room=(rooms or {}).get(question.id))
            for (question, text), own in zip(examples, shown, strict=True)
        ]

    def _asked(
        self, question: Question, text: str, own: Sequence[str], context: Context, *, steps: bool, room: int | None
    ) -> ResponseInContext:
        if isinstance(question, Conversation):
            return self._conversation(question, text, own, context, steps=steps, room=room)
        ids = response_ids(self._tokenizer, text, self._wrapping, end=self._end)
        numbers: tuple[int, ...] = ()
        if steps or context.window is not None:
            numbers = response_steps(self._tokenizer, text, self._wrapping, end=self._end)
        bare, lead = self._encoded(question), lead_ids(self._tokenizer, text, self._wrapping)
        if context.shows_question:
            prefix, shortened = self._within(room, question, own, lead, examples_first=context.examples_first)
        else:
            prefix, shortened = alone_ids(self._tokenizer), ""
        requests = []
        for shown, start, stop in scored_spans(numbers, context, len(ids)):
            requests.append((start, ScoringRequest(prefix + ids[shown:start], ids[start:stop], self._count)))
            self._count += 1
        tokens = len(bare) + len(lead) + len(ids) - 1
        return ResponseInContext(question.id, ids, numbers, tuple(requests), tokens, prefix, shortened)

    def _conversation(
        self, question: Conversation, text: str, own: Sequence[str], context: Context, *, steps: bool, room: int | None
    ) -> ResponseInContext:
        """One request per turn of the assistant, each after all that was said before it in the same rendering."""
        if steps or context.window is not None or not context.shows_question:
            raise UserError(
                f"{question.id} is a conversation, and metrics that read a response step by step or without its "
                "question know one question and one answer; leave them out of `metric`"
            )
        fixed = context.examples_first
        ids, spans = self._told(question, text, own, examples_first=fixed)
        left_out = 0
        while room is not None and spans[0].first > room and left_out < len(own):
            left_out += 1
            ids, spans = self._told(question, text, own[left_out:], examples_first=fixed)
        cut = max(0, spans[0].first - room) if room is not None else 0
        bare, _ = self._told(question, text, ()) if own else (ids, spans)
        requests, scored, turns = list[tuple[int, ScoringRequest]](), list[int](), list[int]()
        for number, span in enumerate(spans):
            part = ids[span.first : span.stop if self._end else span.last]
            prefix = ids[:1] + ids[1 + cut : span.first]
            requests.append((len(scored), ScoringRequest(prefix, part, self._count)))
            scored += part
            turns += [number] * len(part)
            self._count += 1
        shortened = "cut" if cut else "fewer_examples" if left_out else ""
        prompt = ids[:1] + ids[1 + cut : spans[0].first]
        of_turns = tuple(turns) if question.whole else ()
        return ResponseInContext(
            question.id, tuple(scored), (), tuple(requests), len(bare) - 1, prompt, shortened, turns=of_turns
        )

    def _told(self, question: Conversation, text: str, own: Sequence[str], *, examples_first: bool = False) -> Spoken:
        """The whole conversation, the target's own answers shown in the user's last turn before the response."""
        prompt = self._prompt.render(question.prompt, own, examples_first=examples_first)
        rendering = rendering_of(self._tokenizer, self._wrapping)
        return locate_turns(rendering, turns_before(question, prompt), answer_turns(question, text))

    def _within(
        self, room: int | None, question: Question, own: Sequence[str], lead: tuple[int, ...], *, examples_first: bool
    ) -> tuple[tuple[int, ...], Literal["", "fewer_examples", "cut"]]:
        """The prompt, and how it was shortened to have no more tokens than there is room for."""
        for left_out in range(len(own) + 1):
            ids = self._encoded(question, own[left_out:], examples_first=examples_first) + lead
            if room is None or len(ids) <= room:
                return ids, "fewer_examples" if left_out else ""
        ids, room = self._encoded(question) + lead, room or 0
        return ids[:1] + ids[len(ids) - room + 1 :], "cut"

    def _encoded(self, question: Question, own: Sequence[str] = (), *, examples_first: bool = False) -> tuple[int, ...]:
        """A question with the target's own answers, as the model reads it."""
        key = (question.prompt, tuple(own), examples_first)
        if key not in self._prompts:
            turn = self._prompt.render(question.prompt, own, examples_first=examples_first)
            self._prompts[key] = prompt_ids(self._tokenizer, turn, self._wrapping)
        return self._prompts[key]


def refuse_empty(examples: Mapping[str, Sequence[tuple[Question, str]]]) -> None:
    """Refuses responses without text.

    Raises:
        UserError: there are some; the message names all of them.
    """
    empty = [f"{q.id} of {name}" for name, pairs in examples.items() for q, text in pairs if not text.strip()]
    if empty:
        found = ", ".join(empty)
        raise UserError(f"empty responses cannot be scored: {found}. Answer them, or leave those questions out")


def refuse_conversations(examples: Mapping[str, Sequence[tuple[Question, str]]], what: str) -> None:
    """Refuses conversations, for readers of one question and one answer.

    Args:
        what: the reader, for the message.

    Raises:
        UserError: some examples are conversations.
    """
    found = [f"{q.id} of {name}" for name, pairs in examples.items() for q, _ in pairs if isinstance(q, Conversation)]
    if found:
        raise UserError(
            f"{what} read one question and one answer, and {len(found)} examples are conversations, such as {found[0]}"
            "; leave the metrics that need them out of `metric`"
        )


def refuse_unwritable(target: TargetModel, examples: Mapping[str, Sequence[tuple[Question, str]]]) -> None:
    """Refuses responses without text, and those that the target's template would change.

    Raises:
        UserError: there are some.
    """
    refuse_empty(examples)
    named = [
        (f"{question.id} of {name}", question, text) for name, pairs in examples.items() for question, text in pairs
    ]
    refuse_changed(target.tokenizer(), named, target.wrapping, "responses")


def refuse_unknown_tokens(
    target: TargetModel, asked: Mapping[tuple[str, Context], list[ResponseInContext]], rows: int
) -> None:
    """Refuses tokens for which the target's embedding has no row.

    Raises:
        UserError: some requests hold such tokens.
    """
    requests = [(one.example_id, request) for part in asked.values() for one in part for _, request in one.requests]
    items = [(name, request.prefix + request.response) for name, request in requests]
    refuse_unknown(target.tokenizer(), items, rows, "prompts with response")


def scored_spans(steps: Sequence[int], context: Context, n_tokens: int) -> list[tuple[int, int, int]]:
    """Returns where the shown part, the scored part and the rest start, for the whole response or each of its steps."""
    if context.window is None:
        return [(0, 0, n_tokens)]
    starts = [place for place, step in enumerate(steps) if place == 0 or step != steps[place - 1]]
    return [
        (starts[max(0, number - context.window)], start, stop)
        for number, (start, stop) in enumerate(zip(starts, [*starts[1:], n_tokens], strict=True))
    ]
