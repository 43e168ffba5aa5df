"""Makes sppl/analysis/calibration.json from the records.

python experiments/paper/calibrate.py
"""

import json
from pathlib import Path

from sppl.analysis import calibration
from sppl.analysis.conventions import comparable
from sppl.analysis.paper import RecordedMetric, main_outcomes
from sppl.analysis.ranking import rank
from sppl.store import Store

SOURCE = {"repository": "XuanRen4470/SPPL", "commit": "48d727e78"}
METRICS = [
    *(RecordedMetric(name) for name in ("sppl_n2", "sppl_n3", "perplexity", "ifd")),
    *(RecordedMetric(name, higher_is_better=True) for name in ("reward", "car", "log_probability")),
]


def main() -> None:
    store = Store(str(Path(__file__).parent / "records"))
    scores, outcomes = (store.read(store.leaf(kind, settings=SOURCE)) for kind in ("scores", "outcomes"))
    runs = main_outcomes(outcomes)
    named = scores[scores["metric"].isin([metric.name for metric in METRICS])]
    ranked = rank(comparable(named, runs), METRICS, resamples=0)
    made = {
        "source": "17 tasks x 3 models of 7-8B parameters, up to 3 seeds, 300 scored questions (arXiv 2502.11779)",
        "records": SOURCE,
        "command": "python experiments/paper/calibrate.py",
        "metrics": calibration.calibrated(calibration.comparisons(ranked, runs)),
    }
    Path(calibration.__file__).with_name(calibration.SHIPPED).write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
