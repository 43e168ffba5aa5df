"""Answers that are a Python program, judged by the question's own tests (MBPP, arXiv 2108.07732)."""

import re
from collections.abc import Sequence

from sppl.benchmarks.answers import sandbox
from sppl.benchmarks.answers.reading import FINAL, after_last
from sppl.benchmarks.answers.verdict import Row, Verdict, given, verdict

LONGEST = 50_000
"""Characters of a program; a longer one is wrong."""

SECONDS = 10.0
"""Wall clock of a program with all its tests."""

_FENCE = re.compile(r"^[ \t]{0,4}```[ \t]*[\w+-]{0,20}[ \t]*$", re.MULTILINE)


def program(text: str) -> str:
    """The program in an answer: its first fenced block, else what follows "Final Answer:", else the whole text."""
    fence = _FENCE.search(text)
    if fence:
        end = _FENCE.search(text, fence.end())
        return text[fence.end() : end.start() if end else len(text)].strip("\n")
    part = after_last(FINAL, text)
    return (text if part is None else part).strip("\n").strip()


def judge(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the row's `test_list` passes after its `test_setup_code` and the program, in the sandbox.

    Raises:
        UserError: this machine has no sandbox (see sandbox.runs).
    """
    source = program(given(texts))
    if not source or len(source) > LONGEST:
        return verdict(False)
    parts = [str(row.get("test_setup_code") or ""), source, *(str(test) for test in row["test_list"])]
    return verdict(sandbox.runs("\n".join(parts), SECONDS))
