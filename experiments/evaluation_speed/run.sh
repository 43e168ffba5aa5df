#!/usr/bin/env bash
# Ends in outputs/reports/evaluation_speed/table.csv; some minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/../.."
export OMP_WAIT_POLICY=PASSIVE
exec python experiments/evaluation_speed/measure.py --questions "${QUESTIONS:-200}" --rounds "${ROUNDS:-3}"
