#!/usr/bin/env bash
# Ends in outputs/reports/scale/table.csv; about two minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/../.."
export OMP_WAIT_POLICY=PASSIVE
exec python experiments/scale/measure.py ${SIZES:-100 300 1000}
