"""Blocksworld: its facts, its four actions and what a plan does to a state."""

import re
from collections.abc import Iterable

Fact = tuple[str, ...]
"""`("on", upper, lower)`, `("table", block)`, `("clear", block)`, `("holding", block)` or `("empty",)`."""

State = frozenset[Fact]

Action = tuple[str, ...]
"""`("pick-up", block)`, `("put-down", block)`, `("stack", upper, lower)` or `("unstack", upper, lower)`."""

ARITY = {"pick-up": 1, "put-down": 1, "stack": 2, "unstack": 2}

_BLOCK = r"(?:the )?([\w-]{1,40}) block"
_FACTS = (
    ("on", re.compile(rf"\b{_BLOCK} is on top of {_BLOCK}\b")),
    ("table", re.compile(rf"\b{_BLOCK} is on the table\b")),
    ("clear", re.compile(rf"\b{_BLOCK} is clear\b")),
    ("holding", re.compile(r"\bthe hand is (?:currently )?holding (?:the )?([\w-]{1,40})(?: block)?\b")),
    ("empty", re.compile(r"\bthe hand is empty\b")),
)
_STEPS = re.compile(
    rf"\b(unstack|stack|pick up|put down) {_BLOCK}(?: (?:from )?on top of {_BLOCK})?",
)
_TRIPLET = re.compile(r"\(([^()]{1,200})\)")


def facts(text: str) -> State:
    """The facts a text states in PlanBench's words ("the red block is on top of the blue block")."""
    text = " ".join(text.casefold().split())
    return frozenset((name, *found.groups()) for name, pattern in _FACTS for found in pattern.finditer(text))


def steps(text: str) -> list[Action]:
    """The actions a text lists in PlanBench's words ("unstack the red block from on top of the blue block")."""
    text = " ".join(text.casefold().split())
    found = (match.groups() for match in _STEPS.finditer(text))
    return [(verb.replace(" ", "-"), *(block for block in blocks if block)) for verb, *blocks in found]


def triplets(text: str) -> list[Action] | None:
    """The actions a text lists as `(stack red blue)`; None if a bracket holds something else.

    Commas between the words, "pick up" or "pickup" for "pick-up", and "the ... block" around a name do not matter.
    """
    actions = []
    for bracket in _TRIPLET.finditer(text.casefold()):
        words = bracket[1].replace(",", " ").replace("pick up", "pick-up").replace("put down", "put-down").split()
        words = [word for word in words if word not in {"the", "block", "from", "on", "top", "of"}]
        verb = {"pickup": "pick-up", "putdown": "put-down"}.get(words[0], words[0]) if words else ""
        if ARITY.get(verb) != len(words) - 1:
            return None
        actions.append((verb, *words[1:]))
    return actions


def after(state: State, actions: Iterable[Action]) -> State | None:
    """The state that a plan leads to, None if an action cannot be done where its turn comes."""
    for action in actions:
        needed, added, removed = _effects(action)
        if not needed <= state:
            return None
        state = (state - removed) | added
    return state


def _effects(action: Action) -> tuple[State, State, State]:
    """What must hold before an action, what it makes true and what false."""
    verb, block, *rest = action
    held: State = frozenset({("holding", block)})
    below: Fact = ("on", block, rest[0]) if rest else ("table", block)
    free: State = frozenset({("clear", block), ("empty",), below})
    base: State = frozenset({("clear", rest[0])}) if rest else frozenset()
    if verb in {"pick-up", "unstack"}:
        return free, held | base, free
    return held | base, free, held | base
