"""Plans which scoring requests share a forward pass, and counts the tokens computed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sppl.scoring.requests import ScoringRequest

PassForm = Literal["tree", "prefix_cache", "padded"]
"""How a pass is run: prefixes and responses in one packed row, that over a prefix cache, or a row per request."""

MIN_SHARE = 0.2
"""A common beginning is cached if it is at least this share of its groups' tokens, as a cache costs attention."""

Tokens = tuple[int, ...]


@dataclass(frozen=True)
class PrefixGroup:
    """Requests with the same prefix; `prefix` is the part of it after the cached beginning of the pass."""

    prefix: Tokens
    requests: tuple[ScoringRequest, ...]

    @property
    def tokens(self) -> int:
        """Tokens read when the prefix is read once."""
        return len(self.prefix) + sum(request.n_fed for request in self.requests)


@dataclass(frozen=True)
class ForwardPass:
    """Groups that go through the model together, after a beginning that is computed once for all passes with it."""

    form: PassForm
    groups: tuple[PrefixGroup, ...]
    cached: Tokens = ()
    opens: bool = False
    """Whether this pass is the first with its cached beginning, and computes it."""

    @property
    def requests(self) -> tuple[ScoringRequest, ...]:
        """All requests of the pass, in the order of the results."""
        return tuple(request for group in self.groups for request in group.requests)

    @property
    def row_tokens(self) -> int:
        """Tokens of its one forward pass, padding included, the cached beginning not."""
        if self.form == "padded":
            return len(self.requests) * max(_row_length(request) for request in self.requests)
        return sum(group.tokens for group in self.groups)

    @property
    def tokens(self) -> int:
        """Tokens the model computes."""
        return self.row_tokens + (len(self.cached) if self.opens else 0)


def plan_passes(
    requests: Sequence[ScoringRequest], *, max_tokens: int, form: PassForm, pass_cost: int = 0
) -> list[ForwardPass]:
    """Returns passes that hold every request once, the longest first, whatever the order of the requests.

    No forward pass reads more than `max_tokens` tokens, but for a single prefix or request that is longer: a row cannot
    be split. With `form="tree"` groups that fit are packed together; a group that is larger, or groups whose prefixes
    begin with the same long tokens, become `prefix_cache` passes, whose beginning is computed once for all of them.

    Args:
        requests: what to score.
        max_tokens: the most tokens of a pass.
        form: how passes are run.
        pass_cost: how many tokens could be read in the time that a pass takes beside its tokens. A common beginning is
            kept only if it saves more than the two passes that this takes.
    """
    if max_tokens < 1:
        raise ValueError(f"max_tokens must be at least 1, got {max_tokens}")
    ordered = sorted(requests, key=lambda r: (-_row_length(r), r.prefix, r.response, r.index))
    if form == "padded":
        rows = [PrefixGroup(request.prefix, (request,)) for request in ordered]
        return [ForwardPass(form, tuple(batch)) for batch in _batches(rows, max_tokens)]
    groups = group_by_prefix(ordered)
    if form == "prefix_cache":
        beginnings = [(group.prefix, [group]) for group in groups]
    else:
        beginnings = _common_beginnings(groups, max_tokens, pass_cost)
    passes = [one for cached, members in beginnings if cached for one in _over_cache(cached, members, max_tokens)]
    free = [group for cached, members in beginnings if not cached for group in members]
    return passes + [ForwardPass("tree", tuple(packed)) for packed in _pack(free, max_tokens)]


def group_by_prefix(requests: Sequence[ScoringRequest]) -> list[PrefixGroup]:
    """Returns one group per distinct prefix, in order of first appearance."""
    groups: dict[Tokens, list[ScoringRequest]] = {}
    for request in requests:
        groups.setdefault(request.prefix, []).append(request)
    return [PrefixGroup(prefix, tuple(members)) for prefix, members in groups.items()]


def lower_bound(requests: Sequence[ScoringRequest]) -> int:
    """Returns the fewest tokens to compute if only identical prefixes are shared: each prefix and response once.

    A response's last token predicts nothing and is not counted.
    """
    return sum(group.tokens for group in group_by_prefix(requests))


def _row_length(request: ScoringRequest) -> int:
    return len(request.prefix) + request.n_fed


def _batches(rows: Sequence[PrefixGroup], max_tokens: int) -> Iterator[list[PrefixGroup]]:
    """Cuts rows, sorted longest first, into rectangles of at most `max_tokens`."""
    batch: list[PrefixGroup] = []
    for row in rows:
        if batch and (len(batch) + 1) * batch[0].tokens > max_tokens:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _common_beginnings(
    groups: Sequence[PrefixGroup], max_tokens: int, pass_cost: int
) -> list[tuple[Tokens, list[PrefixGroup]]]:
    """Groups by the beginning worth keeping for them: a common beginning, one large group's prefix, or nothing."""
    clusters: list[tuple[Tokens, list[PrefixGroup]]] = []
    for group in sorted(groups, key=lambda group: group.prefix):
        cached, members = clusters[-1] if clusters else ((), [])
        shared, together = _common(cached, group.prefix), [*members, group]
        enough = MIN_SHARE * sum(member.tokens for member in together)
        if len(members) * len(shared) > (len(members) - 1) * len(cached) and len(together) * len(shared) >= enough:
            clusters[-1] = (shared, together)
        else:
            clusters.append((group.prefix, [group]))
    return [
        (cached if _worth_keeping(cached, members, max_tokens, pass_cost) else (), members)
        for cached, members in clusters
    ]


def _worth_keeping(cached: Tokens, members: Sequence[PrefixGroup], max_tokens: int, pass_cost: int) -> bool:
    """Whether a beginning would otherwise be read more than once, in more time than passes of its own take."""
    reads = sum(1 for member in members for _ in _split(member, max_tokens))
    return (reads - 1) * len(cached) > 2 * pass_cost


def _common(one: Tokens, other: Tokens) -> Tokens:
    pairs = enumerate(zip(one, other, strict=False))
    return one[: next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))]


def _over_cache(cached: Tokens, groups: Sequence[PrefixGroup], max_tokens: int) -> Iterator[ForwardPass]:
    rests = [PrefixGroup(group.prefix[len(cached) :], group.requests) for group in groups]
    for number, packed in enumerate(_pack(rests, max_tokens)):
        yield ForwardPass("prefix_cache", tuple(packed), cached, opens=number == 0)


def _pack(groups: Sequence[PrefixGroup], max_tokens: int) -> list[list[PrefixGroup]]:
    """Fills passes up to the budget, groups of like size side by side, the longest first."""
    parts = [part for group in groups for part in _split(group, max_tokens)]
    parts.sort(key=lambda part: (-part.tokens, part.prefix, [request.response for request in part.requests],
                                 part.requests[0].index))  # fmt: skip
    packs: list[list[PrefixGroup]] = []
    room = 0
    most = _even(parts, max_tokens)
    for part in parts:
        if not packs or part.tokens > room:
            packs.append([])
            room = most
        packs[-1].append(part)
        room -= part.tokens
    return packs


def _even(parts: Sequence[PrefixGroup], max_tokens: int) -> int:
    """The budget that makes all passes about equal: a small last one would cost a GPU as much as a full one."""
    total = sum(part.tokens for part in parts)
    passes = -(-total // max_tokens)
    return min(max_tokens, -(-total // max(1, passes)) + max((part.tokens for part in parts), default=0))


def _split(group: PrefixGroup, max_tokens: int) -> Iterator[PrefixGroup]:
    """Cuts a group into parts of at most `max_tokens`, each with the whole prefix."""
    part: list[ScoringRequest] = []
    tokens = len(group.prefix)
    for request in group.requests:
        if part and tokens + request.n_fed > max_tokens:
            yield PrefixGroup(group.prefix, tuple(part))
            part, tokens = [], len(group.prefix)
        part.append(request)
        tokens += request.n_fed
    yield PrefixGroup(group.prefix, tuple(part))
