"""Blocksworld: its facts, its four actions and what a plan does to a state."""

import re
from collections.abc import Iterable, Sequence

Fact = tuple[str, ...]
"""`("on", upper, lower)`, `("table", block)`, `("clear", block)`, `("holding", block)` or `("empty",)`."""

State = frozenset[Fact]

Action = tuple[str, ...]
"""`("pick-up", block)`, `("put-down", block)`, `("stack", upper, lower)` or `("unstack", upper, lower)`."""

ARITY = {"pick-up": 1, "put-down": 1, "stack": 2, "unstack": 2}

_BLOCK = r"(?:the )?([\w-]{1,40}) block"
_FACTS = (
    ("on", re.compile(rf"\b{_BLOCK} is on (?:top of )?{_BLOCK}\b")),
    ("table", re.compile(rf"\b{_BLOCK} is on the table\b")),
    ("clear", re.compile(rf"\b{_BLOCK} is clear\b")),
    ("holding", re.compile(r"\bthe hand is (?:currently )?holding (?:the )?([\w-]{1,40})(?: block)?\b")),
    ("empty", re.compile(r"\bthe hand is empty\b")),
)
_VERB = r"(unstack|stack|pick-up|put-down)"
_STEPS = re.compile(rf"\b{_VERB} {_BLOCK}(?: (?:from |off )?(?:on top of |onto |on to |on |from |off )?{_BLOCK})?")
_BRACKET = re.compile(r"\(([^()]{1,200})\)")
_CALL = re.compile(rf"\b{_VERB}\s?\(([^()]{{1,200}})\)")
_COMMENT = re.compile(r"//[^\n]*|\s#\s[^\n]*|;(?![^\n]*\()[^\n]*")
_FILLERS = frozenset(["the", "a", "block", "from", "on", "onto", "top", "of", "off", "to", "table", "and", "then"])
_UNKNOWN = frozenset(
    ["move", "put", "place", "take", "grab", "lift", "drop", "slide", "push", "pull", "release", "remove", "set", "lay",
     "swap", "carry", "get"]
)  # fmt: skip
"""Verbs of actions that there are not; other words in brackets are remarks."""


def facts(text: str) -> State:
    """The facts a text states in PlanBench's words ("the red block is on top of the blue block")."""
    text = _plain(text)
    return frozenset((name, *found.groups()) for name, pattern in _FACTS for found in pattern.finditer(text))


def steps(text: str) -> list[Action]:
    """The actions a text lists in PlanBench's words ("unstack the red block from on top of the blue block")."""
    found = (match.groups() for match in _STEPS.finditer(_plain(text)))
    return [(verb, *(block for block in blocks if block)) for verb, *blocks in found]


def plan_in(text: str) -> list[Action] | None:
    """The actions of a plan, in the first of these forms that it has; None where one of them is no action.

    `(stack red blue)` or `stack(red, blue)`, with anything else in brackets a remark; PlanBench's sentences; lines such
    as `stack red on blue`. Commas, Markdown, "pick up" for "pick-up", "the ... block" around a name, numbers of a list
    and remarks behind "//", "#" or ";" do not matter.
    """
    text = _COMMENT.sub("", re.sub(r"[*`]|(?<!\w)_|_(?!\w)", "", text.casefold()))
    text = _CALL.sub(r"(\1 \2)", _spelled(text))
    brackets = [_words(bracket[1]) for bracket in _BRACKET.finditer(text)]
    found = [tuple(words) for words in brackets if _is_action(words)]
    if found:
        blocks = {block for action in found for block in action[1:]}
        return None if any(_is_botched(words, blocks) for words in brackets) else found
    if any(words and words[0] in ARITY for words in brackets):
        return None
    text = _BRACKET.sub(" ", text)
    found = steps(text)
    if not found:
        lines = [_words(re.sub(r"^\W*(?:(?:step )?\d{1,3}[.):]|[-+•])?", "", line)) for line in text.splitlines()]
        found = [tuple(words) for words in lines if words]
    return found if found and all(map(_is_action, found)) else None


def _is_action(words: Sequence[str]) -> bool:
    return bool(words) and ARITY.get(words[0]) == len(words) - 1


def _is_botched(words: Sequence[str], blocks: set[str]) -> bool:
    """Whether a bracket is meant for an action and is none: an unknown verb, or too few or many blocks."""
    if not words or _is_action(words) or words[0] not in ARITY.keys() | _UNKNOWN:
        return False
    return blocks.issuperset(words[1:])


def _words(text: str) -> list[str]:
    return [word for word in re.sub(r"[,.:]", " ", text).split() if word not in _FILLERS]


def _spelled(text: str) -> str:
    return re.sub(r"\b(pick|put)[ _-]?(up|down)\b", r"\1-\2", text)


def _plain(text: str) -> str:
    return " ".join(_spelled(re.sub(r"[*`]|(?<!\w)_|_(?!\w)", "", text.casefold())).split())


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
