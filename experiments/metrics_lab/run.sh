#!/usr/bin/env bash
# bash experiments/metrics_lab/run.sh       all metrics on the lab, then what they take by the clock
set -euo pipefail
cd "$(dirname "$0")/../.."
export OMP_WAIT_POLICY=PASSIVE PYTHONPATH=.
python=${PYTHON:-python}
"$python" run.py experiment=metrics_lab 'metric=[all]' "$@"
"$python" experiments/metrics_lab/cost.py
