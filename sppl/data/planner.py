"""Which requests share a forward pass, and how many tokens that computes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sppl.data.requests import Request

Form = Literal["tree", "prefix_cache", "padded"]
"""How a pass is run: responses as branches of one packed row, over the prefix's cache, or each with its own prefix."""


@dataclass(frozen=True)
class Group:
    """Requests with the same prefix."""

    prefix: tuple[int, ...]
    requests: tuple[Request, ...]

    @property
    def tokens(self) -> int:
        """Tokens read when the prefix is read once."""
        return len(self.prefix) + sum(request.n_fed for request in self.requests)


@dataclass(frozen=True)
class Pass:
    """Groups that go through the model together."""

    form: Form
    groups: tuple[Group, ...]

    @property
    def requests(self) -> tuple[Request, ...]:
        """All requests of the pass, in the order the results come in."""
        return tuple(request for group in self.groups for request in group.requests)

    @property
    def tokens(self) -> int:
        """Tokens the model computes, padding included."""
        if self.form == "padded":
            return len(self.requests) * max(_row_length(request) for request in self.requests)
        return sum(group.tokens for group in self.groups)


def plan(requests: Sequence[Request], *, max_tokens: int, form: Form) -> list[Pass]:
    """Passes that hold every request once, the longest first, the same for the same requests in any order.

    A pass computes at most `max_tokens` tokens. A group that is larger is split, its prefix computed once per part; a
    single request that is larger gets a pass of its own, because a row cannot be split.
    """
    if max_tokens < 1:
        raise ValueError(f"max_tokens must be at least 1, got {max_tokens}")
    ordered = sorted(requests, key=lambda r: (-_row_length(r), r.prefix, r.response, r.index))
    if form == "padded":
        rows = [Group(request.prefix, (request,)) for request in ordered]
        return [Pass(form, tuple(batch)) for batch in _batches(rows, max_tokens)]
    parts = [part for group in group_by_prefix(ordered) for part in _split(group, max_tokens)]
    parts.sort(key=lambda group: (-group.tokens, group.prefix, group.requests[0].index))
    return [Pass(form, tuple(packed)) for packed in _pack(parts, max_tokens)]


def group_by_prefix(requests: Sequence[Request]) -> list[Group]:
    """One group per distinct prefix, in order of first appearance."""
    groups: dict[tuple[int, ...], list[Request]] = {}
    for request in requests:
        groups.setdefault(request.prefix, []).append(request)
    return [Group(prefix, tuple(members)) for prefix, members in groups.items()]


def lower_bound(requests: Sequence[Request]) -> int:
    """The fewest tokens any form can compute: each distinct prefix once and each response once.

    A response's last token predicts nothing and is not counted.
    """
    return sum(group.tokens for group in group_by_prefix(requests))


def _row_length(request: Request) -> int:
    return len(request.prefix) + request.n_fed


def _batches(rows: Sequence[Group], max_tokens: int) -> Iterator[list[Group]]:
    """Cuts rows, sorted longest first, into rectangles of at most `max_tokens`."""
    batch: list[Group] = []
    for row in rows:
        if batch and (len(batch) + 1) * batch[0].tokens > max_tokens:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _split(group: Group, max_tokens: int) -> Iterator[Group]:
    """Cuts a group into parts of at most `max_tokens`, each with the whole prefix."""
    part: list[Request] = []
    tokens = len(group.prefix)
    for request in group.requests:
        if part and tokens + request.n_fed > max_tokens:
            yield Group(group.prefix, tuple(part))
            part, tokens = [], len(group.prefix)
        part.append(request)
        tokens += request.n_fed
    yield Group(group.prefix, tuple(part))


def _pack(groups: Sequence[Group], max_tokens: int) -> list[list[Group]]:
    """Puts each group, longest first, next to its neighbours in size until the budget is full."""
    packs: list[list[Group]] = []
    room = 0
    for group in groups:
        if not packs or group.tokens > room:
            packs.append([])
            room = max_tokens
        packs[-1].append(group)
        room -= group.tokens
    return packs
