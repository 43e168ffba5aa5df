#!/usr/bin/env bash
# Fine-tuning speed and memory beside TRL's, on one CPU thread: about 10 minutes on a quiet machine.
set -euo pipefail
cd "$(dirname "$0")/../.."
PYTHONPATH=. python experiments/training_speed/measure.py
