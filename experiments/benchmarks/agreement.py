"""Compares our judges with the authors' `correct` flags on every strategy file of their repository.

    python experiments/benchmarks/agreement.py UPSTREAM [TASK ...]

UPSTREAM is a checkout of the authors' repository (also read from $SPPL_UPSTREAM). Writes agreement.csv (one row per
task and strategy), kinds.csv (disagreements by kind) and disagreements.csv (each one with the end of its text).
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from sppl.benchmarks.answers import choice, code, number, plans, request, span, verdict, words

HERE = Path(__file__).parent
Judge = Callable[[verdict.Row, list[str]], verdict.Verdict]

JUDGES: dict[str, Judge] = {
    "GSM8K": number.judge,
    "MATH_ALGEBRA": number.judge,
    "MATH_GEOMETRY": number.judge,
    "MATH_INTERMEDIATE_ALGEBRA": number.judge,
    "ECQA": choice.judge_1_to_5,
    "HELLASWAG": choice.judge_1_to_4,
    "WINOGRANDE": choice.judge_1_to_2,
    "PIQA": choice.judge_1_to_2,
    "ARC_CHALLENGE": choice.judge_a_to_d,
    "MMLU": choice.judge_a_to_d,
    "MMLU_MORAL_SCENARIOS": choice.judge_a_to_d,
    "AGIEVAL": choice.judge_a_to_d,
    "MMLU_PRO": choice.judge_a_to_j,
    "MMLU_PRO_LAW": choice.judge_a_to_j,
    "BOOLQ": words.judge_truth,
    "ESNLI": words.judge_entailment,
    "SQUAD": span.judge,
    "DROP": span.judge,
    "API_BANK": request.judge,
    "MBPP": code.judge,
    "PLAN_BENCH_GENERATION": plans.judge,
    "PLAN_BENCH_GENERALIZATION": plans.judge,
    "PLAN_BENCH_REUSE": plans.judge,
    "PLAN_BENCH_REPLANING": plans.judge,
    "PLAN_BENCH_OPTIMALITY": plans.judge_optimal,
    "PLAN_BENCH_EXECUTION": plans.judge_execution,
    "PLAN_BENCH_VERIFICATION": plans.judge_verification,
}
"""Folder of the records (their spelling) to our judge."""


def records(folder: Path) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """File name, position and record of every answer that carries the authors' flag."""
    for path in sorted(folder.rglob("*.json")):
        for position, record in enumerate(json.loads(path.read_text())):
            if (
                isinstance(record, dict)
                and isinstance(record.get("correct"), bool)
                and record.get("answer") is not None
            ):
                yield str(path.relative_to(folder)), position, record


def row(task: str, record: dict[str, Any]) -> dict[str, Any]:
    """The record as our judges see a question."""
    options = [record[key] for key in "12345" if key in record] or listed(record["question"])
    gold = record.get("gold_label", record.get("numerical_final_answer", ""))
    fields = {key: record[key] for key in ("test_list", "test_setup_code") if key in record}
    return {"id": task, "prompt": record["question"], "answer": str(gold), "options": options, **fields}


def listed(question: str) -> list[str]:
    """The options a question lists as `(1): text` or `(A): "text"`, in order."""
    return [text.strip().strip('"') for text in re.findall(r"^\s*\((?:\d|[A-J])\): ?(.*)$", question, re.MULTILINE)]


def kind(task: str, record: dict[str, Any], ours: bool, judge: Judge) -> str:
    """Why the two differ, found by judging the other texts a record carries."""
    question = row(task, record)
    for name, field in (
        ("flag belongs to a retry: pred", "pred"),
        ("flag belongs to a retry: prediction", "prediction"),
    ):
        other = record.get(field)
        if other and other != record["answer"] and bool(judge(question, [other])["accuracy"]) == record["correct"]:
            return name
    old = record.get("answer_old")
    if old and old != record["answer"] and bool(judge(question, [old])["accuracy"]) == record["correct"]:
        return "flag belongs to the first try: answer_old"
    return "only ours accepts" if ours else "only theirs accepts"


def main() -> None:
    """Writes the three tables beside this file and prints the first, per task."""
    arguments = sys.argv[1:] or [os.environ["SPPL_UPSTREAM"]]
    upstream, only = Path(arguments[0]), arguments[1:]
    found, differing = [], []
    for task, judge in JUDGES.items():
        if only and task not in only:
            continue
        for file, position, record in records(upstream / "dataset" / task):
            ours = bool(judge(row(task, record), [record["answer"]])["accuracy"])
            found.append((task, file, ours, record["correct"]))
            if ours != record["correct"]:
                why = kind(task, record, ours, judge)
                end = record["answer"][-160:].replace("\n", " ")
                differing.append((task, file, position, why, ours, record["correct"], record.get("gold_label"), end))
    table = pd.DataFrame(found, columns=["task", "file", "ours", "theirs"])
    table["agree"] = table["ours"] == table["theirs"]
    by_file = table.groupby(["task", "file"], sort=False).agg(
        answers=("agree", "size"), agreement=("agree", "mean"), ours=("ours", "mean"), theirs=("theirs", "mean")
    )
    details = pd.DataFrame(differing, columns=["task", "file", "position", "kind", "ours", "theirs", "gold", "end"])
    kinds = details.groupby(["task", "kind"]).size().rename("answers")
    suffix = "".join(f"_{task.lower()}" for task in only)
    by_file.round(4).to_csv(HERE / f"agreement{suffix}.csv")
    kinds.to_csv(HERE / f"kinds{suffix}.csv")
    details.to_csv(HERE / f"disagreements{suffix}.csv", index=False)
    per_task = table.groupby("task", sort=False).agg(
        answers=("agree", "size"), agreement=("agree", "mean"), ours=("ours", "mean"), theirs=("theirs", "mean")
    )
    print(per_task.round(4).to_string(), kinds.to_string(), sep="\n\n")


if __name__ == "__main__":
    main()
