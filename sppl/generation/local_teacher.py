"""A teacher that runs here: the target itself, or any other local model."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from sppl.bounds import Count, misfits
from sppl.generation.answer import Answer, Prompt
from sppl.hardware.hardware import Hardware
from sppl.models.target import TargetModel
from sppl.schemas import Message, Sampling, UserError
from sppl.teachers.teacher import Cut, Decoding, Rejected, Reply, Session


@dataclass(frozen=True, kw_only=True)
class LocalTeacher:
    """A local model; free, and sampled with a seed of its own per attempt.

    Args:
        name: the word recipes use.
        target: the model.
        trainer: the hardware it runs on.
        concurrency: requests that are answered as one batch.
        max_tokens_ceiling: tokens an answer may have that a recipe's `max_tokens` cut off; null: no more than that.
    """

    name: str
    target: TargetModel
    trainer: Hardware = field(default_factory=Hardware)
    concurrency: int = 64
    tries: int = 1
    backoff: float = 0.0
    prices: tuple[float, float] = (0.0, 0.0)
    max_tokens_ceiling: Count | None = None

    def __post_init__(self) -> None:
        if wrong := misfits(self):
            raise UserError(f"teacher: {'; '.join(wrong)}")

    @property
    def identity(self) -> Mapping[str, Any]:
        return self.target.identity

    def greedy(self, decoding: Decoding) -> bool:
        """Whether the same request would bring the same answer."""
        return not decoding.temperature

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Yields the loaded model."""
        from sppl.generation.answering import LocalAnswering

        yield _Batches(LocalAnswering(self.target, self.trainer.device))


@dataclass
class _Batches:
    """Answers what is asked at the same time together."""

    answering: Any
    waiting: list[tuple[Prompt, Decoding, asyncio.Future[Answer]]] = field(default_factory=list)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self, messages: Sequence[Message], decoding: Decoding) -> Reply:
        prompt, found = Prompt("a request", messages), asyncio.get_running_loop().create_future()
        self.waiting.append((prompt, decoding, found))
        async with self.turn:  # whoever comes first answers for all that asked in the meantime
            if not found.done():
                waiting, self.waiting = self.waiting, []
                for like in {(one, self._room(asked, one)) for asked, one, _ in waiting}:
                    batch = [(asked, to) for asked, one, to in waiting if (one, self._room(asked, one)) == like]
                    await self._answer_batch(batch, *like)
        answer: Answer = await found
        tokens = self.answering.length(prompt), answer.n_tokens
        if not answer.ended and tokens[1] < decoding.max_tokens:
            raise Rejected(f"cut off after {tokens[1]} tokens: the model's whole context is used", tokens=tokens)
        if not answer.ended:
            raise Cut(f"cut off after {tokens[1]} tokens", tokens=tokens)
        if not answer.text.strip():
            raise Rejected("an empty answer", tokens=tokens)
        return Reply(answer.text, tokens)

    def _room(self, prompt: Prompt, decoding: Decoding) -> int:
        """The tokens an answer may have: as asked, and as the model's context allows."""
        return min(decoding.max_tokens, self.answering.context - self.answering.length(prompt))

    async def _answer_batch(
        self, batch: Sequence[tuple[Prompt, asyncio.Future[Answer]]], decoding: Decoding, room: int
    ) -> None:
        if room < 1:
            for _, found in batch:
                found.set_exception(Rejected("the request fills the model's whole context"))
            return
        warm = decoding.temperature
        sampling = Sampling(temperature=warm, seed=decoding.seed) if warm else None
        prompts = [prompt for prompt, _ in batch]
        answers = await asyncio.to_thread(self.answering.answer, prompts, max_new_tokens=room, sampling=sampling)
        for (_, found), answer in zip(batch, answers, strict=True):
            found.set_result(cast("Answer", answer))  # what does not fit is refused above
