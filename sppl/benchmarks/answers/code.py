"""Answers that are a Python program, judged by the question's own tests (MBPP, arXiv 2108.07732)."""

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import dedent

from sppl.benchmarks.answers import sandbox
from sppl.benchmarks.answers.reading import FINAL, after_last
from sppl.benchmarks.answers.verdict import Row, Verdict, given, verdict

LONGEST = 50_000
"""Characters of a program; a longer one is wrong."""

SECONDS = 10.0
"""Wall clock of a program with all its tests."""

_MOST_ENDS = 60
"""How many places are tried at which a program among prose may end."""

TOGETHER = 32
"""Programs that share a process where most are right."""

_FENCE = re.compile(
    r"^(?:[ \t>]|[-*+][ \t]|\d{1,3}[.)][ \t]){0,20}(?P<marks>`{3,9}|~{3,9})[ \t]*(?P<info>[^`\n]*)$", re.MULTILINE
)
_PYTHON = re.compile(r"[{. ]{0,3}(?:python|py)(?![a-z])", re.IGNORECASE)
_STATEMENT = re.compile(r"^(?:def|class|import|from|@\w)", re.MULTILINE)
_SPELLED = (  # fences that stand beside other text, and what some models write for them
    (re.compile(r"\[(?:PYTHON|BEGIN)\]"), "\n```python\n"),
    (re.compile(r"\[/PYTHON\]|\[DONE\]"), "\n```\n"),
    (re.compile(r"```[ \t]*(?:python3?|py)[ \t]+(?=(?:def|import|from|class)\b)", re.IGNORECASE), "```python\n"),
    (re.compile(r"```[ \t]*(?=(?:def|import|from|class) )"), "```\n"),
    (re.compile(r"(?<=[^\s`>])(?=```[ \t]*(?:$|python|py))", re.MULTILINE | re.IGNORECASE), "\n"),
)


@dataclass(frozen=True)
class _Block:
    """What stands between two fences: its text, the language they say, and whether the closing one is there."""

    text: str
    language: str
    complete: bool

    @property
    def is_python(self) -> bool:
        """What is called Python, broken or not; what is called nothing and can be parsed."""
        named = _PYTHON.match(self.language) is not None and bool(self.text.strip())
        return named if self.language else parses(self.text)


def program(text: str, tests: Sequence[str] = ()) -> str:
    """The program in an answer.

    It is the last complete fenced block that is Python, or what a fence opens and nothing closes, or stands before a
    fence that nothing opened; those that define what the tests call come first. Without any it is what follows "Final
    Answer:", else the whole text, without the paragraphs around a program in it. A block that is called Python is one,
    a block without a name is if it can be parsed.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    part = after_last(FINAL, text)
    for place in (text,) if part is None else (part, text):
        found = sorted((block for block in _blocks(place) if block.is_python), key=lambda block: block.complete)
        called = set(re.findall(r"\b([A-Za-z_]\w{0,100})\s?\(", " ".join(tests)))
        defining = [block for block in found if any(_defines(block.text, name) for name in called)]
        if found:
            return (defining or found)[-1].text.strip("\n")
    rest = (text if part is None else part).strip("\n").strip()
    return rest if parses(rest) else _among_prose(rest)


def _among_prose(text: str) -> str:
    """The most paragraphs from a first statement on that are a program; the text itself where none are."""
    found = _STATEMENT.search(text)
    lines = text[found.start() : LONGEST].split("\n") if found else []
    ends = [at for at in range(1, len(lines) + 1) if at == len(lines) or not lines[at].strip()]
    for end in ends[:-_MOST_ENDS:-1] if found else ():
        if parses(whole := "\n".join(lines[:end])):
            return whole
    return text.strip("`")


def _blocks(text: str) -> Iterator[_Block]:
    """The fenced blocks in their order; the code before a first fence that nothing opened is one too."""
    for pattern, spelled in _SPELLED:
        text = pattern.sub(spelled, text)
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        info, before = fence["info"].strip(), text[: fence.start()]
        if opened is None:
            unopened = not info and not _FENCE.search(before) and _STATEMENT.search(before) and parses(before)
            opened = None if unopened else fence
            if unopened:
                yield _Block(before, "", complete=False)
        elif (info or fence["marks"].startswith(opened["marks"])) and _indent(fence) < _indent(opened) + 4:
            yield _Block(_inside(text, opened, fence.start()), opened["info"].strip(), complete=not info)
            opened = fence if info else None
    if opened is not None:
        yield _Block(_inside(text, opened, len(text)), opened["info"].strip(), complete=False)


def _indent(fence: re.Match[str]) -> int:
    """How far to the right a fence stands; one deep inside a block is part of it, as in a docstring."""
    return len(fence[0].expandtabs(4)) - len(fence[0].expandtabs(4).lstrip(" "))


def _inside(text: str, opening: re.Match[str], end: int) -> str:
    """The lines after a fence, without the marks of a quotation and the indent of a list before them."""
    inner = text[opening.end() + 1 : end]
    if opening[0].lstrip().startswith(">"):
        inner = re.sub(r"^[ \t]*>[ \t]?", "", inner, flags=re.MULTILINE)
    return dedent(inner)


def parses(text: str) -> bool:
    """Whether a text is a Python program of at least one statement."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bool(ast.parse(text[: LONGEST + 1]).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _defines(source: str, name: str) -> bool:
    defined = rf"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+{name}\b|^{name}[ \t]*="
    return re.search(defined, source, re.MULTILINE) is not None


def judge(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the row's `test_list` passes after its `test_setup_code` and the program, in the sandbox.

    Raises:
        UserError: this machine has no sandbox (see sandbox.runs).
    """
    trial = _trial(row, given(texts))
    return verdict(trial is not None and sandbox.passes([trial], SECONDS))


def _trial(row: Row, text: str) -> sandbox.Trial | None:
    """The program of a text with the row's setup code and tests; None where there is none to run."""
    tests = [str(test) for test in row["test_list"]]
    source = program(text, tests)
    if not source or len(source) > LONGEST:
        return None
    return sandbox.Trial(source, str(row.get("test_setup_code") or ""), tests)


def judge_many(rows: Sequence[Row], texts: Sequence[str]) -> list[float]:
    """The verdicts of many programs, most of them right, in fewer processes than one each.

    Programs share a process, each with names of its own; where one of them fails, halves of the others run again.

    Raises:
        UserError: this machine has no sandbox (see sandbox.runs).
    """
    if len(rows) <= 1:
        return [judge(row, [text])["accuracy"] for row, text in zip(rows, texts, strict=True)]
    if len(rows) <= TOGETHER:
        trials = [_trial(row, text) for row, text in zip(rows, texts, strict=True)]
        known = [trial for trial in trials if trial is not None]
        if len(known) == len(rows) and sandbox.passes(known, SECONDS):
            return [1.0] * len(rows)
    half = min(TOGETHER, (len(rows) + 1) // 2)
    return judge_many(rows[:half], texts[:half]) + judge_many(rows[half:], texts[half:])
