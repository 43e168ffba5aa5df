"""What the scorer is asked: requests for every response and context, and the tables their answers make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sppl.data.steps import response_steps
from sppl.data.tokens import alone_ids, check_fits, prompt_ids, response_ids
from sppl.models.target import TargetModel, frozen
from sppl.modules.requests import Request
from sppl.modules.scoring import Scoring
from sppl.prompts import Alone, Context, SelfAligned, SelfAlignedPrompt, StepWise
from sppl.schemas import Question, UserError
from sppl.stages.pool import Pool

if TYPE_CHECKING:
    from sppl.modules.scorer import Scored


@dataclass(frozen=True)
class Asked:
    """One response of one strategy in one context; step by step it takes a request per step."""

    example_id: str
    ids: tuple[int, ...]
    steps: tuple[int, ...]
    """The number of each token's reasoning step; empty where nobody asks for steps."""
    requests: tuple[tuple[int, Request], ...]
    """Each with the place its response starts at."""
    alone: int
    """Tokens to read when the response is scored after its question: one forward pass."""

    @property
    def tokens(self) -> int:
        """Tokens to read when each request is scored by itself."""
        return sum(len(request.prefix) + request.n_fed for _, request in self.requests)

    def table(self, scored: Mapping[int, "Scored"]) -> pd.DataFrame:
        """The statistics of the response's tokens."""
        parts = [self._rows(start, request, scored[request.index]) for start, request in self.requests]
        frame = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
        if self.steps:
            frame["step"] = np.asarray(self.steps, dtype=np.int32)[frame["token"]]
        return frame

    def _rows(self, start: int, request: Request, one: "Scored") -> pd.DataFrame:
        places = np.arange(start + len(request.response) - request.n_scored, start + len(request.response))
        columns: dict[str, Any] = {
            "example_id": self.example_id,
            "token": places.astype(np.int32),
            "token_id": np.asarray(self.ids, dtype=np.int32)[places],
            "logprob": one.logprobs.astype(np.float32),
            "rank": one.ranks.astype(np.int32),
        }
        return pd.DataFrame(columns | {name: v.astype(np.float32) for name, v in one.further.items()})


class Asking:
    """Makes requests, numbering them on and encoding each prompt once.

    Args:
        target: whose template and tokenizer make ids of texts.
        prompt: the wording of self-aligned contexts.
        pool: the answers they show.
        scorer: whether the end of a response is scored.
    """

    def __init__(self, target: TargetModel, prompt: SelfAlignedPrompt, pool: Pool, scorer: Scoring) -> None:
        self._tokenizer, self._wrapping = target.tokenizer(), target.wrapping
        self._limit = getattr(frozen(target).config, "max_position_embeddings", None)
        self._prompt, self._pool, self._end = prompt, pool, scorer.end
        self._prompts: dict[tuple[str, tuple[str, ...]], tuple[int, ...]] = {}
        self._count = 0

    def responses(
        self, examples: Sequence[tuple[Question, str]], context: Context, *, strategy: str, steps: bool
    ) -> list[Asked]:
        """One entry per response of a strategy, in their order.

        Raises:
            UserError: responses are empty, or do not fit the target; the message counts them and names one.
        """
        questions = [question for question, _ in examples]
        ids = [response_ids(self._tokenizer, text, self._wrapping, end=self._end) for _, text in examples]
        empty = [q.id for (q, text), found in zip(examples, ids, strict=True) if not text.strip() or not found]
        if empty:
            raise UserError(
                f"{len(empty)} of {len(examples)} responses of {strategy} are empty, the first is that to {empty[0]}: "
                "an empty response has no token to score. Write them anew, or leave the strategy out of `strategy`"
            )
        n = context.n_examples if isinstance(context, SelfAligned) else 0
        shown = self._pool.shown(self._prompt, questions, n) if n else [[] for _ in questions]
        asked = [
            self._asked(question, text, response, own, context, steps=steps)
            for (question, text), response, own in zip(examples, ids, shown, strict=True)
        ]
        lengths = [(one.example_id, len(r.prefix) + len(r.response)) for one in asked for _, r in one.requests]
        check_fits(lengths, self._limit, "prompts with their response")
        return asked

    def _asked(
        self, question: Question, text: str, ids: tuple[int, ...], own: Sequence[str], context: Context, *, steps: bool
    ) -> Asked:
        numbers: tuple[int, ...] = ()
        if steps or isinstance(context, StepWise):
            numbers = response_steps(self._tokenizer, text, self._wrapping, end=self._end)
        bare = self._encoded(question)
        if isinstance(context, SelfAligned):
            prefix = self._encoded(question, own)
        else:
            prefix = alone_ids(self._tokenizer) if isinstance(context, Alone) else bare
        requests = []
        for before, start, stop in spans(numbers, context, len(ids)):
            requests.append((start, Request(prefix + ids[before:start], ids[start:stop], self._count)))
            self._count += 1
        return Asked(question.id, ids, numbers, tuple(requests), len(bare) + len(ids) - 1)

    def _encoded(self, question: Question, own: Sequence[str] = ()) -> tuple[int, ...]:
        """A question with the target's own answers, as the model reads it."""
        key = (question.prompt, tuple(own))
        if key not in self._prompts:
            turn = self._prompt.render(question.prompt, own)
            self._prompts[key] = prompt_ids(self._tokenizer, turn, self._wrapping)
        return self._prompts[key]


def spans(steps: Sequence[int], context: Context, n_tokens: int) -> list[tuple[int, int, int]]:
    """Where what is shown, what is scored, and what comes after it start: the whole response, or each step of it."""
    if not isinstance(context, StepWise):
        return [(0, 0, n_tokens)]
    starts = [place for place, step in enumerate(steps) if place == 0 or step != steps[place - 1]]
    return [
        (starts[max(0, number - context.window)], start, stop)
        for number, (start, stop) in enumerate(zip(starts, [*starts[1:], n_tokens], strict=True))
    ]
