"""Training examples as token ids, and the steps they are trained in: which, in which order, as which tensors."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from sppl.schemas import UserError

if TYPE_CHECKING:
    from torch import Tensor

WINDOW = 8
"""Steps whose examples are sorted by length together: larger windows pad less and shuffle less."""


@dataclass(frozen=True)
class Example:
    """One training example as token ids; only the response is learnt, with what ends the turn."""

    id: str
    prompt: tuple[int, ...]
    response: tuple[int, ...]
    given: tuple[tuple[int, int], ...] = ()
    """Spans of the response in which others than the assistant speak, in order: they are read and not learnt."""

    @property
    def learnt(self) -> list[int]:
        """The positions of the response that are learnt."""
        others = {place for start, stop in self.given for place in range(start, stop)}
        return [place for place in range(len(self.response)) if place not in others]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.response)


class Batch(TypedDict):
    """The tensors of one forward pass.

    `input_ids` are rows of tokens, padded on the right, where no token of a causal model can see the padding.
    `where` are the flat positions whose next token belongs to a response, `labels` those tokens. `position_ids`
    restart with every example of a packed row; None stands for 0, 1, 2, ... `tokens` counts the response tokens of
    the whole step, on all devices: what the sum of the losses is divided by.
    """

    ids: list[str]
    input_ids: Tensor
    position_ids: Tensor | None
    where: Tensor
    labels: Tensor
    tokens: int


class Steps:
    """The optimiser steps of one epoch per iteration, each a list of batches; its state is the number of steps taken.

    An epoch's order depends on the seed and the epoch only, so a loader that was given the state of another one goes
    on with the very batches the other would have made. Under `torch.distributed` every process gets its share of
    every batch.

    Args:
        examples: the training examples, as `fit_length` returned them.
        batch_size: examples per batch, counted over all processes.
        accumulate: batches per step.
        seed: of the order.
        batching: see `Training`.
        one_row: pack a whole batch into one row (what flash attention wants) instead of rows as long as its longest
            example.
        shuffle: draw an order per epoch; otherwise every epoch's is by length.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        batch_size: int,
        accumulate: int = 1,
        seed: int = 0,
        *,
        batching: Literal["padded", "packed"] = "padded",
        one_row: bool = False,
        shuffle: bool = True,
    ) -> None:
        self.examples = examples
        self.batch_size, self.accumulate, self.seed = batch_size, accumulate, seed
        self.batching, self.one_row, self.shuffle = batching, one_row, shuffle
        self.taken = 0

    def __len__(self) -> int:
        """Steps per epoch."""
        return math.ceil(len(self.examples) / (self.batch_size * self.accumulate))

    def __iter__(self) -> Iterator[list[Batch]]:
        epoch, first = divmod(self.taken, len(self))
        for step in self.order(epoch)[first:]:
            self.taken += 1
            yield self.batches(step)

    def state_dict(self) -> dict[str, int]:
        """Returns how many steps were taken."""
        return {"taken": self.taken}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Goes on after the steps that were taken."""
        self.taken = state["taken"]

    def order(self, epoch: int) -> list[list[Example]]:
        """Returns the examples of every step of an epoch: shuffled, then sorted by length within windows of steps."""
        size = self.batch_size * self.accumulate
        if not self.shuffle:
            return _chunks(sorted(self.examples, key=len), size)
        draw = random.Random(f"{self.seed} {epoch}")
        shuffled = draw.sample(self.examples, len(self.examples))
        steps: list[list[Example]] = []
        for window in _chunks(shuffled, WINDOW * size):
            grouped = _chunks(sorted(window, key=len), size)
            steps += draw.sample(grouped, len(grouped))
        return steps

    def batches(self, step: list[Example]) -> list[Batch]:
        """Returns this process's share of the batches of one step."""
        tokens = sum(len(example.learnt) for example in step)
        rank, world = _rank()
        shares = [(batch, batch[rank::world]) for batch in _chunks(step, self.batch_size)]
        return [self._collate(share, tokens) if share else _idle(batch, tokens) for batch, share in shares]

    def _collate(self, examples: list[Example], tokens: int) -> Batch:
        if self.batching == "padded":
            return collate([[example] for example in examples], tokens)
        capacity = sum(map(len, examples)) if self.one_row else max(map(len, examples))
        return collate(pack(examples, capacity), tokens, packed=True)


def collate(rows: list[list[Example]], tokens: int, *, packed: bool = False) -> Batch:
    """Returns the tensors of rows of examples."""
    import torch

    width = max(sum(map(len, row)) for row in rows)
    input_ids = torch.zeros(len(rows), width, dtype=torch.long)
    position_ids = torch.zeros_like(input_ids) if packed else None
    where: list[int] = []
    labels: list[int] = []
    for number, row in enumerate(rows):
        start = 0
        for example in row:
            end = start + len(example)
            input_ids[number, start:end] = torch.tensor(example.prompt + example.response)
            if position_ids is not None:
                position_ids[number, start:end] = torch.arange(len(example))
            first = number * width + start + len(example.prompt) - 1
            learnt = example.learnt
            where += [first + place for place in learnt]
            labels += [example.response[place] for place in learnt]
            start = end
        if position_ids is not None:
            position_ids[number, start:] = torch.arange(width - start)
    return Batch(
        ids=[example.id for row in rows for example in row],
        input_ids=input_ids,
        position_ids=position_ids,
        where=torch.tensor(where),
        labels=torch.tensor(labels),
        tokens=tokens,
    )


def pack(examples: Sequence[Example], capacity: int) -> list[list[Example]]:
    """Returns rows of at most `capacity` tokens with all examples: longest first, each in the first row it fits."""
    rows: list[list[Example]] = []
    room: list[int] = []
    for example in sorted(examples, key=len, reverse=True):
        number = next((i for i, free in enumerate(room) if len(example) <= free), len(rows))
        if number == len(rows):
            rows.append([])
            room.append(capacity)
        rows[number].append(example)
        room[number] -= len(example)
    return rows


def fit_length(
    examples: Sequence[Example], max_tokens: int | None, overlong: Literal["refuse", "cut"]
) -> list[Example]:
    """Returns the examples, none longer than `max_tokens` (None: any length).

    Raises:
        UserError: there is none; one has no prompt or no response, also after cutting; one is too long and `overlong`
            is `refuse`.
    """
    if not examples:
        raise UserError("there are no training examples")
    limit = max_tokens or max(map(len, examples))
    long = [example for example in examples if len(example) > limit]
    if long and overlong == "refuse":
        raise UserError(
            f"{len(long)} of {len(examples)} examples are longer than {limit} tokens, the longest has "
            f"{max(map(len, long))} tokens: {_names(long)}; raise "
            "training.max_tokens (the model's own limit holds in any case), or cut the ends off by "
            "training.overlong=cut"
        )
    kept = [replace(example, response=example.response[: max(0, limit - len(example.prompt))]) for example in examples]
    empty = [example for example in kept if not example.prompt or not example.learnt]
    if empty:
        raise UserError(f"the prompt or the response is empty within {limit} tokens: {_names(empty)}")
    return kept


def _idle(batch: list[Example], tokens: int) -> Batch:
    """A share without examples, for a process that takes part in a pass without learning from it."""
    whole = collate([batch[:1]], tokens)
    whole["where"], whole["labels"], whole["ids"] = whole["where"][:0], whole["labels"][:0], []
    return whole


def _rank() -> tuple[int, int]:
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def _chunks(items: Sequence[Any], size: int) -> list[list[Any]]:
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


def _names(examples: list[Example]) -> str:
    return ", ".join(example.id for example in examples[:5]) + (", ..." if len(examples) > 5 else "")
