"""Checks that gold answers can be met: the benchmark's own rule has to judge each of them right."""

import logging
import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from sppl.artifacts.provenance import fingerprint
from sppl.benchmarks import harness
from sppl.benchmarks.answers import code, number, sandbox
from sppl.benchmarks.answers.code import judge_many
from sppl.benchmarks.definition import Benchmark
from sppl.schemas import Question, Split, UserError

log = logging.getLogger(__name__)

MOST = 0.01
"""The share of a split's gold answers that may be judged wrong; above it the split is refused."""

SHOWN = 10
"""How many questions a message names."""

_RULE = re.compile(r"^process_results:\s*!function\s+(sppl\.benchmarks\.answers\.\w+)\.(\w+)\s*$", re.MULTILINE)
_INCLUDED = re.compile(r"^include:\s*(\S+)\s*$", re.MULTILINE)
_checked: set[str] = set()
"""Splits that this process has checked, by rule, source and questions."""


def check_gold(benchmark: Benchmark, split: Split, taken: Sequence[Question]) -> None:
    """Judges the gold answers of a split once per process, except those in `benchmark.without`.

    A few that nothing can meet are named in a warning and stay: they count as wrong for every strategy alike. Programs
    are not checked where this machine cannot run any apart.

    Args:
        taken: the questions that are used now; they show whether the source still says the same.

    Raises:
        UserError: more than 1 % of them are judged wrong; the first ones are named.
    """
    if not benchmark.judged:
        return
    used = [[question.id, question.prompt, question.answer] for question in taken]
    key = fingerprint([benchmark.judge, benchmark.final_line, str(benchmark.questions), split, benchmark.without, used])
    if key in _checked:
        return
    everything = [one for one in benchmark.questions.questions(split, None) if one.id not in benchmark.without]
    failed = find_unmet(benchmark, everything)
    if failed:
        said = _sentence(benchmark, split, failed, len(everything))
        if len(failed) > MOST * len(everything):
            raise UserError(said)
        log.warning(said)
    _checked.add(key)


def find_unmet(benchmark: Benchmark, questions: Sequence[Question]) -> list[Question]:
    """Those of the questions whose gold answer, written as `write_gold_answer` does, is judged wrong."""
    texts = [write_gold_answer(benchmark, question) for question in questions]
    if rule_of(benchmark.task_file) is code.judge:
        try:
            sandbox.check()
        except UserError as error:
            log.warning("%s: the gold programs were not checked: %s", benchmark.name, error)
            return []
    verdicts = verdicts_of(benchmark.task_file, questions, texts)
    return [question for question, verdict in zip(questions, verdicts, strict=True) if verdict != 1.0]


def verdicts_of(task_file: Path, questions: Sequence[Question], texts: Sequence[str]) -> list[float]:
    """Returns the verdicts of `harness.judge`; a rule of ours is called directly, which is much faster."""
    rule = rule_of(task_file)
    if rule is None:
        return harness.judge(task_file, questions, texts)
    rows = [{**one.fields, "id": one.id, "prompt": one.prompt, "answer": one.answer} for one in questions]
    if rule is code.judge:
        return judge_many(rows, texts)
    return [rule(row, [text])["accuracy"] for row, text in zip(rows, texts, strict=True)]


def write_gold_answer(benchmark: Benchmark, question: Question) -> str:
    """Returns the gold answer in the benchmark's form: after its final line's words, after `####`, or alone."""
    if rule_of(benchmark.task_file) is number.judge_hashes:
        return f"#### {question.answer}"
    return benchmark.closing(question.answer).lstrip() or question.answer


def rule_of(task_file: Path) -> Any:
    """Returns our rule that a task names, itself or in a file it includes; None where it judges in another way."""
    text = task_file.read_text()
    named, included = _RULE.search(text), _INCLUDED.search(text)
    if named:
        return getattr(import_module(named[1]), named[2])
    if included is None or "process_results" in text:
        return None
    path = task_file.parent / included[1]
    return rule_of(path) if path.is_file() else None


def _sentence(benchmark: Benchmark, split: Split, failed: Sequence[Question], n: int) -> str:
    rule = rule_of(benchmark.task_file)
    says = f", which says: {rule.__doc__.strip().splitlines()[0]}" if rule else ""
    shown = ", ".join(f"{one.id} ({write_gold_answer(benchmark, one)[:60]!r})" for one in failed[:SHOWN])
    more = f" and {len(failed) - SHOWN} more" if len(failed) > SHOWN else ""
    ids = ",".join(one.id for one in failed[:SHOWN])
    return (
        f"{benchmark.name}: the gold answers of {len(failed)} of {n} {split} questions are wrong by the benchmark's "
        f"own rule ({benchmark.task}){says} No response to them can be right: {shown}{more}. Correct them, choose the "
        f"rule that fits them (benchmark.answer, benchmark.task, benchmark.final_line), or leave the questions out: "
        f"'benchmark.without=[{ids}{',...' if more else ''}]'"
    )
