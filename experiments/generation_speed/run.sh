#!/usr/bin/env bash
# bash experiments/generation_speed/run.sh        some minutes on two cores; on a GPU: DEVICE=cuda MODEL=FOLDER ADAPTERS=8
# Ends in outputs/reports/generation_speed/DEVICE.csv.
set -euo pipefail
cd "$(dirname "$0")/../.."
export OMP_WAIT_POLICY=PASSIVE
exec python experiments/generation_speed/measure.py --questions "${QUESTIONS:-200}" --rounds "${ROUNDS:-3}" \
  --device "${DEVICE:-cpu}" --adapters "${ADAPTERS:-3}" ${MODEL:+--model "$MODEL"} ${COMMANDS:+--commands "$COMMANDS"}
