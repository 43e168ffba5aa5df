#!/usr/bin/env bash
# Fine-tuning speed and memory beside TRL's, on one CPU thread: then the time of a sweep by stage: about 13 minutes on a quiet machine.
set -euo pipefail
cd "$(dirname "$0")/../.."
PYTHONPATH=. python experiments/training_speed/measure.py
PYTHONPATH=. python experiments/training_speed/stages.py --rounds "${ROUNDS:-1}"
