"""What messages of the stages say to whoever calls from Python: arguments, where they name the command's settings."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sppl.commands import CHECKOUT
from sppl.schemas import UserError

VALUE = r"(\{[^}]*\}|'[^']*'|[^\s,;:)'\"]*[^\s,;:.)'\"])"
"""What is said behind a setting's equals sign."""
TARGET = "sppl.TargetModel(NAME, PATH, {})"
OVERLONG = {"error": "refuse"}
"""What the command calls otherwise."""


def _target(found: re.Match[str]) -> str:
    return TARGET.format(f"{found[1]}={_literal(found[2])}")


def _argument(found: re.Match[str]) -> str:
    return f"{found[1]}={_literal(OVERLONG.get(found[2], found[2]))}"


def _literal(value: str) -> str:
    """A value of the command line as Python writes it; words in capitals stand for values."""
    if value.startswith("{"):
        return re.sub(r"[A-Za-z_]\w*", lambda word: _literal(word[0]), value)
    if value in ("true", "false", "null"):
        return {"true": "True", "false": "False", "null": "None"}[value]
    return value if value.isupper() or value.startswith("'") or re.fullmatch(r"[\d.]+", value) else f'"{value}"'


WORDS = (
    (re.compile(r" \(own data: benchmark\.questions\.[^)]*\)"), ""),
    (re.compile(r", or put the sentence before your questions(?! \()"), ", or put the sentence into your questions"),
    (re.compile(r"metric\.\w+\.model\.path=FOLDER"), "model=sppl.models.reward_model.RewardModel(NAME, FOLDER)"),
    (re.compile(r"metric\.\w+\.(\w+)"), r"\1"),
    (re.compile(r"target_model\.path=FOLDER"), "target=FOLDER"),
    (re.compile(rf"target_model\.(\w+)={VALUE}"), _target),
    (re.compile(r"target_model\.(\w+)"), r"\1 of sppl.TargetModel"),
    (re.compile(r" out: '?benchmark\.without=\[([^\]]*)\]'?"), r" out of `responses`: \1"),
    (re.compile(r", benchmark\.task, benchmark\.final_line"), ""),
    (re.compile(r"trainer\.accelerator=gpu: "), 'accelerator="gpu": '),
    (re.compile(r", or trainer\.accelerator=cpu training\.precision=[\w-]+"), ""),
    (re.compile(r"trainer(?:\.accelerator)?=(\w+)"), r'accelerator="\1"'),
    (re.compile(rf"(?:benchmark|scorer)\.(overlong)={VALUE}"), _argument),
    (re.compile(rf"benchmark\.(answer)={VALUE}"), _argument),
    (re.compile(r"benchmark\.(max_new_tokens|answer|overlong)"), r"\1"),
    (re.compile(r"`metric`"), "`metrics`"),
    (re.compile(r"`strategy`"), "`responses`"),
)
"""Each way the command's settings are named, and what a call has in its place; tried in this order."""


def in_python(said: str) -> str:
    """A message of the stages with the arguments of a call in the place of settings; a command stays as it is."""
    said, start, command = said.partition(CHECKOUT)
    for pattern, replacement in WORDS:
        said = pattern.sub(replacement, said)
    return said + start + command


@contextmanager
def told_in_python() -> Iterator[None]:
    """Whatever is refused within is told in the words of a call.

    Raises:
        UserError: as it was raised, with other words.
    """
    try:
        yield
    except UserError as error:
        raise type(error)(in_python(str(error))) from error.__cause__
