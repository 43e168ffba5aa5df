"""Makes sppl/analysis/checked.json from the four beds: what statements of confidence were checked on.

python experiments/beds/check.py
"""

import json
from pathlib import Path

from sppl.analysis import bed_checks
from sppl.data.bed_files import read_bed

HERE = Path(__file__).parent
BEDS = ("paper_main", "paper_planbench", "rsr", "car")


def main() -> None:
    made = bed_checks.check_beds([read_bed(HERE / name) for name in BEDS])
    # The paper's records spell this task otherwise than this project does.
    made["paper_planbench"]["benchmarks"].append("plan_bench_replanning")
    Path(bed_checks.__file__).with_name(bed_checks.SHIPPED).write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
