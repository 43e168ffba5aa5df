"""Gathers the rows of all measurements into `table.csv` (methods) and `growth.csv` (strategies, examples)."""

import sys
from pathlib import Path

import pandas as pd

COLUMNS = [
    *("workload", "model", "method", "strategies", "examples", "requests", "seconds", "tokens", "lower_bound_tokens"),
    *("peak_mb", "speedup_vs_one_by_one", "bound", "fraction_of_bound", "max_abs_diff", "fraction_of_peak"),
]


def main(folder: Path) -> None:
    for name in ("table", "growth"):
        source = folder / f"{name}.jsonl"
        if not source.exists():
            continue
        rows = pd.read_json(source, lines=True).reindex(columns=COLUMNS)
        rows.to_csv(folder / f"{name}.csv", index=False, float_format="%.6g")
        print(rows.to_string(index=False, float_format="{:.3g}".format))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
