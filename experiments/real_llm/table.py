"""One table of what `gpu.sh` left in outputs/reports: metrics beside outcomes, then speeds."""

import json
from pathlib import Path

import pandas as pd

REPORTS = Path(__file__).parents[2] / "outputs" / "reports"


def main() -> None:
    for task in ("words", "ecqa"):
        folder = REPORTS / f"real_llm_{task}"
        for name in ("table.csv", "metrics.csv"):
            if (folder / name).exists():
                print(f"\n{task}: {name}")
                print(pd.read_csv(folder / name).to_string(index=False, float_format="{:.4g}".format, max_colwidth=28))
    scoring = REPORTS / "scoring_speed" / "cuda.jsonl"
    if scoring.exists():
        rows = [json.loads(line) for line in scoring.read_text().splitlines()]
        columns = ["workload", "model", "method", "seconds", "tokens_per_second", "speedup_vs_one_by_one"]
        columns += ["fraction_of_bound", "fraction_of_peak", "max_abs_diff", "peak_mb"]
        print("\nscoring")
        print(pd.DataFrame(rows)[columns].to_string(index=False, float_format="{:.4g}".format))
    for name in ("training_speed/cuda.csv", "generation_speed/cuda.csv"):
        if (REPORTS / name).exists():
            print(f"\n{name}")
            print((REPORTS / name).read_text())


if __name__ == "__main__":
    main()
