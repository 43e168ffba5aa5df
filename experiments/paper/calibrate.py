"""Makes sppl/analysis/calibration.json from the records.

python experiments/paper/calibrate.py
"""

import json
from pathlib import Path

from sppl.analysis import calibration
from sppl.analysis.calibration_study import fitted
from sppl.store import Store

SOURCE = {"repository": "XuanRen4470/SPPL", "commit": "48d727e78"}


def main() -> None:
    store = Store(str(Path(__file__).parent / "records"))
    scores, outcomes = (store.read(store.leaf(kind, settings=SOURCE)) for kind in ("scores", "outcomes"))
    made = {
        "source": "17 tasks x 3 models of 7-8B parameters, up to 3 seeds, 300 scored questions (arXiv 2502.11779)",
        "records": SOURCE,
        "command": "python experiments/paper/calibrate.py",
        "metrics": fitted(scores, outcomes),
    }
    Path(calibration.__file__).with_name(calibration.SHIPPED).write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
