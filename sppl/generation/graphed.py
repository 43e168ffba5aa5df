"""Decodes greedily on CUDA with one launch per token: the step is recorded as a graph once and replayed.

In a small model a step is some thousand kernels of microseconds each, and starting them one by one takes several times
as long as running them. A recorded step needs fixed addresses, so keys and values lie in buffers as long as the longest
answer may become, and the step itself writes down its token and moves on.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import StaticCache

from sppl.generation.decoding import Ids, Rows, most_likely, read_prompts, unfinished_rows
from sppl.hardware.recording import record

LOOK = 8
"""Steps between two looks at what was generated."""
SHRINK = 0.5
"""Share of the rows that must have ended before the others go on in a smaller batch, with a newly recorded step."""


def decode_graphed(model: Any, prompts: Sequence[Ids], *, ends: frozenset[int], max_new_tokens: int) -> list[list[int]]:
    """Returns what `decode` does with `most_likely`."""
    rows = read_prompts(model, prompts, most_likely)
    answers = [[token] for token in rows.tokens]
    while kept := unfinished_rows(answers, rows, ends, max_new_tokens):
        rows.keep(kept)
        step = RecordedStep(model, rows, longest=max_new_tokens - len(answers[rows.places[0]]))
        while len(kept := unfinished_rows(answers, rows, ends, max_new_tokens)) > SHRINK * len(rows.places):
            for place, tokens in zip(rows.places, step.run(LOOK), strict=True):
                answers[place] = cut_at_end(answers[place] + tokens, ends, max_new_tokens)
        step.hand_back(rows)
        rows.tokens = [answers[place][-1] for place in rows.places]
    return answers


def cut_at_end(answer: list[int], ends: frozenset[int], max_new_tokens: int) -> list[int]:
    """Returns the answer up to its first end."""
    stop = next((place + 1 for place, token in enumerate(answer) if token in ends), len(answer))
    return answer[: min(stop, max_new_tokens)]


class RecordedStep:
    """One step of all rows as a CUDA graph.

    Args:
        model: a model in which every layer sees everything before a token.
        rows: the rows to continue; their cache is copied.
        longest: steps to make room for.
    """

    def __init__(self, model: Any, rows: Rows, *, longest: int) -> None:
        n, self.read = rows.mask.shape
        device, room = rows.mask.device, self.read + longest + LOOK
        self.model, self.done = model, 0
        self.cache = StaticCache(config=model.config, max_cache_len=room)
        for static, dynamic in zip(self.cache.layers, rows.cache.layers, strict=True):
            static.lazy_initialization(dynamic.keys, dynamic.values)  # pyright: ignore
            static.keys[:, :, : self.read] = dynamic.keys  # pyright: ignore
            static.values[:, :, : self.read] = dynamic.values  # pyright: ignore
        self.seen = torch.zeros(n, 1, 1, room, dtype=torch.bool, device=device)
        self.seen[:, 0, 0, : self.read] = rows.mask.bool()
        self.tokens = torch.tensor(rows.tokens, device=device)[:, None]
        self.positions = rows.mask.sum(1, keepdim=True)
        self.place = torch.tensor([self.read], device=device)
        self.made = torch.zeros(room, n, dtype=torch.long, device=device)
        begun = [part.clone() for part in self._moving()]
        self._set_lengths()
        self.step, _ = record(self._step, device)
        for part, before in zip(self._moving(), begun, strict=True):
            part.copy_(before)
        self._set_lengths()

    def run(self, steps: int) -> list[list[int]]:
        """Runs the step so many times; returns the next tokens of each row."""
        for _ in range(steps):
            self.step()
        first = self.read + self.done
        self.done += steps
        return self.made[first : first + steps].t().tolist()

    def hand_back(self, rows: Rows) -> None:
        """Copies what was read since into the rows' cache."""
        stop = self.read + self.done
        for static, dynamic in zip(self.cache.layers, rows.cache.layers, strict=True):
            dynamic.keys = static.keys[:, :, :stop]  # pyright: ignore
            dynamic.values = static.values[:, :, :stop]  # pyright: ignore
        rows.mask = self.seen[:, 0, 0, :stop].long()

    def _moving(self) -> tuple[Tensor, ...]:
        return self.seen, self.tokens, self.positions, self.place

    def _set_lengths(self) -> None:
        for layer in self.cache.layers:
            layer.cumulative_length.fill_(self.read)  # pyright: ignore

    def _step(self) -> None:
        self.seen.index_fill_(3, self.place, True)
        read = self.model(
            input_ids=self.tokens, attention_mask=self.seen, position_ids=self.positions,
            past_key_values=self.cache, use_cache=True,
        )  # fmt: skip
        chosen = read.logits[:, -1].argmax(-1)
        self.tokens.copy_(chosen[:, None])
        self.made.index_copy_(0, self.place, chosen[None])
        self.positions.add_(1)
        self.place.add_(1)
