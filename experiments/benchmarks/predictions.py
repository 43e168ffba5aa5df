"""How our rules read free answers: the targets' own predictions, which were never asked for a "Final Answer:" line.

    python experiments/benchmarks/predictions.py UPSTREAM

The authors kept those predictions that their filter called right (a rule for GSM8K, a sampled language model for the
rest) and appended the gold label; that line is taken off again here. Writes predictions.csv: the share that our rule
calls right too, per task and target.
"""

import json
import os
import sys
from pathlib import Path

import pandas as pd
from agreement import HERE, JUDGES, row

POOLS = "Mix_Score_Ranking_Calculation/Mix_Score_record/initial_prediction_record_correct_examples"
TARGETS = ("mistral", "llama_3_instruct", "qwen")
TASKS = ("GSM8K", "ECQA", "ARC_CHALLENGE", "BOOLQ")


def main() -> None:
    """Writes the table beside this file and prints it."""
    upstream = Path((sys.argv[1:] or [os.environ["SPPL_UPSTREAM"]])[0])
    found = []
    for task in TASKS:
        questions = json.loads((upstream / "dataset" / task / "gpt4.json").read_text())
        for target in TARGETS:
            pool = json.loads((upstream / POOLS / f"{task.lower()}_{target}_500.json").read_text())
            pairs = zip(pool["initial_prediction"], pool["correct_index"], strict=True)
            for kept, index in pairs:
                if index < len(questions):
                    free = kept.rpartition("\n\nFinal Answer:")[0]
                    found.append((task, target, JUDGES[task](row(task, questions[index]), [free])["accuracy"]))
    table = pd.DataFrame(found, columns=["task", "target", "right"]).groupby(["task", "target"], sort=False)
    shares = table.agg(kept_by_the_authors=("right", "size"), right_by_our_rule=("right", "mean")).round(3)
    shares.to_csv(HERE / "predictions.csv")
    print(shares.to_string())


if __name__ == "__main__":
    main()
