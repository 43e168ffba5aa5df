"""Decodes token by token: a batch of prompts is continued until every row has ended, and ended rows leave it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from sppl.schemas import Sampling

LEAVE = 0.125
"""Share of a batch that must have ended before its rows leave, as the other rows are copied then."""

Ids = tuple[int, ...]
Choose = Callable[[Tensor, Sequence[int]], list[int]]
"""The next token of each row from logits `[rows, vocabulary]` and the rows' places among the prompts."""


@dataclass
class Rows:
    """The rows of a batch that have not ended.

    Args:
        places: the position of each among the prompts.
        tokens: the next token of each, not read yet.
        mask: `[rows, tokens so far]`, 0 where a shorter prompt was filled up on its left.
        cache: keys and values of what was read.
    """

    places: list[int]
    tokens: list[int]
    mask: Tensor
    cache: Any

    def keep(self, kept: list[int]) -> None:
        """Removes all other rows."""
        index = torch.tensor(kept, device=self.mask.device)
        self.cache.batch_select_indices(index)
        self.mask = self.mask[index]
        self.places, self.tokens = ([old[row] for row in kept] for old in (self.places, self.tokens))


def decode(
    model: Any, prompts: Sequence[Ids], *, ends: frozenset[int], max_new_tokens: int, choose: Choose
) -> list[list[int]]:
    """Returns the continuation of each prompt, up to and with a token of `ends`, or up to `max_new_tokens`."""
    answers: list[list[int]] = [[] for _ in prompts]
    rows = read_prompts(model, prompts, choose)
    while True:
        for place, token in zip(rows.places, rows.tokens, strict=True):
            if not _over(answers[place], ends, max_new_tokens):  # else it has only not left yet
                answers[place].append(token)
        kept = unfinished_rows(answers, rows, ends, max_new_tokens)
        if not kept:
            return answers
        if len(rows.tokens) - len(kept) >= LEAVE * len(rows.tokens):
            rows.keep(kept)
        advance(model, rows, choose)


def read_prompts(model: Any, prompts: Sequence[Ids], choose: Choose) -> Rows:
    """Reads all prompts; returns the batch with the first chosen tokens."""
    width = max(map(len, prompts))
    ids = torch.zeros(len(prompts), width, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
        mask[row, width - len(prompt) :] = 1
    ids, mask = ids.to(model.device), mask.to(model.device)
    cache = DynamicCache(config=model.config)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    logits = _logits(model, ids, mask, positions, cache)
    places = list(range(len(prompts)))
    return Rows(places, choose(logits, places), mask, cache)


def advance(model: Any, rows: Rows, choose: Choose) -> None:
    """Reads the next token of every row, and chooses the one after it."""
    tokens = torch.tensor(rows.tokens, device=rows.mask.device)[:, None]
    positions = rows.mask.sum(1, keepdim=True)
    rows.mask = torch.cat((rows.mask, torch.ones_like(tokens)), 1)
    rows.tokens = choose(_logits(model, tokens, rows.mask, positions, rows.cache), rows.places)


def unfinished_rows(
    answers: Sequence[Sequence[int]], rows: Rows, ends: frozenset[int], max_new_tokens: int
) -> list[int]:
    """Returns the rows of the batch whose answers have not ended."""
    return [row for row, place in enumerate(rows.places) if not _over(answers[place], ends, max_new_tokens)]


def _over(answer: Sequence[int], ends: frozenset[int], max_new_tokens: int) -> bool:
    return bool(answer) and (answer[-1] in ends or len(answer) >= max_new_tokens)


def _logits(model: Any, ids: Tensor, mask: Tensor, positions: Tensor, cache: Any) -> Tensor:
    """The logits `[rows, vocabulary]` after the last token of each row."""
    read = model(
        input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True,
        logits_to_keep=1,
    )  # fmt: skip
    return read.logits[:, -1]


def most_likely(logits: Tensor, _places: Sequence[int]) -> list[int]:
    """Returns the most likely token of each row, the first of equals."""
    return logits.argmax(-1).tolist()


def sample_tokens(sampling: Sampling, prompts: Sequence[Ids]) -> Choose:
    """Returns a function that samples tokens; each prompt has its own random numbers, whatever batch it is in."""
    warpers: list[Any] = [TemperatureLogitsWarper(sampling.temperature)]
    warpers += [TopKLogitsWarper(sampling.top_k)] if sampling.top_k else []
    warpers += [TopPLogitsWarper(sampling.top_p)] if sampling.top_p < 1 else []
    draw = draw_each(sampling.seed, prompts)

    def choose(logits: Tensor, places: Sequence[int]) -> list[int]:
        scores = logits.float()
        for warp in warpers:
            scores = warp(None, scores)
        return draw(scores, places)

    return choose


def draw_each(seed: int, prompts: Sequence[Ids]) -> Choose:
    """Returns a function that draws a token per row, with random numbers of the seed and the prompt alone."""
    seeds = [sha256(repr((seed, *prompt)).encode()).digest()[:8] for prompt in prompts]
    generators = [torch.Generator().manual_seed(int.from_bytes(one, "big") >> 1) for one in seeds]

    def draw(scores: Tensor, places: Sequence[int]) -> list[int]:
        below = scores.softmax(-1, dtype=torch.float64).cumsum(-1)
        numbers = torch.stack([torch.rand(1, generator=generators[place], dtype=torch.float64) for place in places])
        limits = numbers.to(below.device) * below[:, -1:]
        return torch.searchsorted(below, limits, right=True).clamp(max=below.shape[1] - 1)[:, 0].tolist()

    return draw
