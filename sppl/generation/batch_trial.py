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
from sppl.models.positions import forget_lengths
from sppl.models.trial import try_model
from sppl.schemas import UserError

log = logging.getLogger(__name__)

PROMPTS = (
    (1005, 1106, 1207, 1308, 1409, 1510, 1611),
    (1712, 1813, 1914),
    (2015, 2116, 2217, 2318, 2419),
    (2520, 2621),
)
"""Prompts of the trial, of different lengths so that rows are padded. Their ids are those of ordinary tokens in the
vocabularies of real models: after the special ones, which come first, the rounding of 16 bits grew to 4 % of the logits
of SmolLM2 with trained adapters, after these to 2 %."""
TOKENS = ((2003, 2104, 2003, 2104, 2003), (2001, 0), (2104, 2104, 2003, 2003, 2104), (2003, 2003, 2003, 2104, 2104))
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
    allowed = 1e-3 if model.dtype in (torch.float32, torch.float64) else 5e-2
    if (distance := _distance(model, decode)) <= allowed:
        return decode
    how = f"changes its logits by {distance:.1%}, {allowed:.1%} allowed" if distance < torch.inf else "does not run"
    log.warning("%s answers one prompt at a time, which is slow: a batch of prompts %s", type(model).__name__, how)
    if _distance(model, decode_alone) <= allowed:
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

    forget_lengths(model)
    read = torch.tensor([prompt], device=model.device)
    with configure_generate(model, ends, followed=False):
        made = model.generate(
            input_ids=read, attention_mask=torch.ones_like(read), max_new_tokens=longest, pad_token_id=min(ends),
            do_sample=False, logits_processor=LogitsProcessorList([cast("Any", only)]),
        )  # fmt: skip
    return made[0, len(prompt) :].tolist()


def _distance(model: Any, way: Callable[..., list[list[int]]]) -> float:
    """How far the logits along given answers are from those of reading prompt and answer at once, as a share of them.

    All rows are taken together: in 16 bits one of them may be several percent off by rounding alone, all of them were
    not more than 1 %; where padding was read, they were 20 to 50 % off (SmolLM2 with trained adapters).
    """
    size = model.config.get_text_config().vocab_size
    prompts, answers = (
        tuple(tuple(_within(token, size) for token in ids) for ids in all_) for all_ in (PROMPTS, TOKENS)
    )
    seen: list[list[Tensor]] = [[] for _ in prompts]

    def given(logits: Tensor, places: Sequence[int]) -> list[int]:
        for row, place in enumerate(places):
            seen[place].append(logits[row].float())
        return [answers[place][min(len(seen[place]), len(answers[place])) - 1] for place in places]

    with torch.inference_mode():
        ask = partial(way, model, prompts, ends=frozenset({0}), max_new_tokens=len(answers[0]), choose=given)
        if try_model(model, way.__name__, ask) is None:
            return torch.inf
        wholes, founds = [], []
        for prompt, tokens, found in zip(prompts, answers, seen, strict=True):
            read = torch.tensor([[*prompt, *tokens[:-1]]], device=model.device)
            wholes.append(model(input_ids=read, use_cache=False).logits[0, len(prompt) - 1 :].float())
            founds.append(torch.stack(found[: len(tokens)]))
        whole, found = torch.cat(wholes), torch.cat(founds)
        return float((found - whole).norm() / whole.norm())


def _within(token: int, size: int) -> int:
    """A token of a vocabulary of that size; 0 stays the only end."""
    return token and 1 + token % (size - 1)
