"""Compares our judges with the authors' `correct` flags on every strategy file of their repository.

    python experiments/benchmarks/agreement.py UPSTREAM [TASK ...]

UPSTREAM is a checkout of the authors' repository (also read from $SPPL_UPSTREAM). Two comparisons: the answers that
carry a flag, and the first tries that their check rejected and that a passing retry replaced (`answer_old`). Writes
agreement.csv (flags, per task and file), rejected.csv (first tries, per task) and disagreements.csv (each one of both,
with its kind and the end of its text).
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
    fields = {key: record[key] for key in ("test_list", "test_setup_code") if key in record}
    return {"id": task, "prompt": record["question"], "answer": str(record["gold_label"]), "options": options, **fields}


def listed(question: str) -> list[str]:
    """The options a question lists as `(1): text` or `(A): "text"`, in order."""
    return [text.strip().strip('"') for text in re.findall(r"^\s*\((?:\d|[A-J])\): ?(.*)$", question, re.MULTILINE)]


def kind(task: str, text: str, ours: bool) -> str:
    """What sets the two verdicts apart."""
    if not ours:
        return "only theirs accepts"
    if task == "MBPP" and "```" in text:
        return "code fence, which their check ran as code"
    if task == "MBPP" and re.search(r"^(?:import|from|\w+ ?=)", text, re.MULTILINE):
        return "name at the program's top level, which their check hid from its functions"
    return "only ours accepts"


def compare(task: str, folder: Path) -> pd.DataFrame:
    """One row per text judged: `compared` is `flag` or `first try`, then both verdicts and the end of the text."""
    found = []
    for file, position, record in records(folder):
        texts = [("flag", record["answer"], record["correct"])]
        old = record.get("answer_old")
        if old and old != record["answer"] and record["correct"]:
            texts.append(("first try", old, False))
        for compared, text, theirs in texts:
            ours = bool(JUDGES[task](row(task, record), [text])["accuracy"])
            why = "" if ours == theirs else kind(task, text, ours)
            end = text[-160:].replace("\n", " ")
            gold = str(record["gold_label"])[:60].replace("\n", " ")
            found.append((task, compared, file, position, ours, theirs, why, gold, end))
    columns = ["task", "compared", "file", "position", "ours", "theirs", "kind", "gold", "end"]
    return pd.DataFrame(found, columns=columns)


def main() -> None:
    """Writes the three tables beside this file and prints the shares per task."""
    arguments = sys.argv[1:] or [os.environ["SPPL_UPSTREAM"]]
    upstream, only = Path(arguments[0]), arguments[1:] or list(JUDGES)
    table = pd.concat([compare(task, upstream / "dataset" / task) for task in only], ignore_index=True)
    table["agree"] = table["ours"] == table["theirs"]
    flags, tries = (table[table["compared"] == name] for name in ("flag", "first try"))
    shares = {
        "answers": ("agree", "size"),
        "agreement": ("agree", "mean"),
        "ours": ("ours", "mean"),
        "theirs": ("theirs", "mean"),
    }
    flags.groupby(["task", "file"], sort=False).agg(**shares).round(4).to_csv(HERE / "agreement.csv")
    rejected = tries.groupby("task", sort=False).agg(
        first_tries=("agree", "size"), wrong_by_our_rule_too=("agree", "sum")
    )
    rejected.to_csv(HERE / "rejected.csv")
    differing = table[~table["agree"]]
    differing.drop(columns="agree").to_csv(HERE / "disagreements.csv", index=False)
    kinds = differing.groupby(["task", "compared", "kind"]).size().rename("texts")
    per_task = flags.groupby("task", sort=False).agg(**shares).round(4)
    print(per_task.to_string(), rejected.to_string(), kinds.to_string(), sep="\n\n")


if __name__ == "__main__":
    main()
