"""Tries on a model whether it answers prompts of different lengths correctly as one batch.

Shorter prompts are padded on their left and rows that have ended leave, which not every architecture allows: one that
keeps a state may read the padding, and some have a cache of their own.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor
from transformers import LogitsProcessorList

from sppl.generation.decoding import Choose, Ids, decode
from sppl.generation.own_settings import configure_generate
from sppl.models.trial import try_model
from sppl.schemas import UserError

log = logging.getLogger(__name__)

PROMPTS = ((5, 6, 7, 8, 9, 10, 11), (12, 13, 14), (15, 16, 17, 18, 19), (20, 21))
"""Prompts of the trial, of different lengths so that rows are padded."""
TOKENS = ((3, 4, 3, 4, 3), (1, 0), (4, 4, 3, 3, 4), (3, 3, 3, 4, 4))
"""Answers of the trial; 0 ends a row, so that it leaves the batch."""


def decode_alone(
    model: Any, prompts: Sequence[Ids], *, ends: frozenset[int], max_new_tokens: int, choose: Choose
) -> list[list[int]]:
    """Returns what `decode` does, with one prompt after the other and transformers' own generation."""
    return [_one(model, prompt, place, ends, max_new_tokens, choose) for place, prompt in enumerate(prompts)]


def decoder_of(model: Any) -> Callable[..., list[list[int]]]:
    """Returns `decode` where it gives the same as every prompt alone on this model, else `decode_alone`.

    Raises:
        UserError: neither gives right logits.
    """
    if _right(model, decode):
        return decode
    log.warning("%s answers one prompt at a time: a batch of prompts changes its answers", type(model).__name__)
    if _right(model, decode_alone):
        return decode_alone
    raise UserError(
        f"{type(model).__name__} answers something else when it keeps what it has read than when it reads everything "
        "anew, so its answers cannot be relied on; let a server answer (docs/servers.md), or take another target"
    )


def _one(model: Any, prompt: Ids, place: int, ends: frozenset[int], longest: int, choose: Choose) -> list[int]:
    def only(_: Tensor, logits: Tensor) -> Tensor:
        """Leaves only the chosen token."""
        (token,) = choose(logits, [place])
        scores = torch.full_like(logits, -torch.inf)
        scores[0, token] = 0.0
        return scores

    read = torch.tensor([prompt], device=model.device)
    with configure_generate(model, ends, followed=False):
        made = model.generate(
            input_ids=read, attention_mask=torch.ones_like(read), max_new_tokens=longest, pad_token_id=min(ends),
            do_sample=False, logits_processor=LogitsProcessorList([cast("Any", only)]),
        )  # fmt: skip
    return made[0, len(prompt) :].tolist()


def _right(model: Any, way: Callable[..., list[list[int]]]) -> bool:
    """Whether the logits along given answers equal those of reading prompt and answer at once."""
    size = model.config.get_text_config().vocab_size
    prompts = [tuple(token % size for token in prompt) for prompt in PROMPTS]
    seen: list[list[Tensor]] = [[] for _ in prompts]

    def given(logits: Tensor, places: Sequence[int]) -> list[int]:
        for row, place in enumerate(places):
            seen[place].append(logits[row].float())
        return [TOKENS[place][min(len(seen[place]), len(TOKENS[place])) - 1] for place in places]

    with torch.inference_mode():
        ask = partial(way, model, prompts, ends=frozenset({0}), max_new_tokens=len(TOKENS[0]), choose=given)
        if try_model(model, way.__name__, ask) is None:
            return False
        tolerance = 1e-3 if model.dtype in (torch.float32, torch.float64) else 5e-2
        for prompt, tokens, found in zip(prompts, TOKENS, seen, strict=True):
            read = torch.tensor([[*prompt, *tokens[:-1]]], device=model.device)
            whole = model(input_ids=read, use_cache=False).logits[0, len(prompt) - 1 :].float()
            if (torch.stack(found[: len(tokens)]) - whole).norm() > tolerance * whole.norm():
                return False
    return True
