"""A teacher that runs here: the target itself, or any other local model."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from sppl.models.target import TargetModel, frozen
from sppl.models.teachers import Decoding, Rejected, Reply, Session
from sppl.schemas import Message


@dataclass(frozen=True, kw_only=True)
class LocalTeacher:
    """A local model, one answer at a time; free, and sampled with a seed of its own per attempt."""

    name: str
    target: TargetModel
    concurrency: int = 1
    tries: int = 1
    backoff: float = 0.0
    prices: tuple[float, float] = (0.0, 0.0)

    @property
    def identity(self) -> Mapping[str, Any]:
        return self.target.identity

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """The loaded model."""
        yield _Local(self.target)


@dataclass(frozen=True)
class _Local:
    target: TargetModel

    async def ask(self, messages: Sequence[Message], decoding: Decoding) -> Reply:
        return await asyncio.to_thread(self._answer, messages, decoding)

    def _answer(self, messages: Sequence[Message], decoding: Decoding) -> Reply:
        import torch

        tokenizer, model = cast("Any", self.target.tokenizer()), cast("Any", frozen(self.target))
        chat = [dict(message) for message in messages]
        ids = tokenizer.apply_chat_template(chat, tokenize=True, add_generation_prompt=True, return_dict=False)
        room = getattr(model.config, "max_position_embeddings", len(ids) + decoding.max_tokens) - len(ids)
        if room < 1:
            raise Rejected(f"the request of {len(ids)} tokens fills the model's whole context")
        warm = bool(decoding.temperature)
        sampling = {"do_sample": True, "temperature": decoding.temperature} if warm else {"do_sample": False}
        with torch.random.fork_rng(devices=[]), torch.inference_mode():
            torch.manual_seed(decoding.seed)
            made = model.generate(
                torch.tensor([ids]), max_new_tokens=min(room, decoding.max_tokens), pad_token_id=tokenizer.pad_token_id,
                **sampling,
            )  # fmt: skip
        new = made[0, len(ids) :]
        text = tokenizer.decode(new, skip_special_tokens=True)
        if not text.strip():
            raise Rejected("an empty answer")
        return Reply(text, len(ids), len(new))
