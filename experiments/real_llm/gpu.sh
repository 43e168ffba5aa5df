#!/usr/bin/env bash
# Everything that needs a GPU, on one of them: bash experiments/real_llm/gpu.sh [tests] [study] [speed]
#   tests   pytest -m gpu
#   study   SmolLM2 on the lab's words (9 strategies) and ECQA (7), two seeds each; needs outputs/models/smollm2 (model.sh)
#   speed   scoring, training and generation, CUDA rows
# Ends with one table; whole results in outputs/reports. ON=cpu with small sizes runs all of it on a CPU.
set -uo pipefail
cd "$(dirname "$0")/../.."
export PYTHONPATH=.${PYTHONPATH:+:$PYTHONPATH} OMP_WAIT_POLICY=PASSIVE HF_HUB_OFFLINE=1 PYTHONUNBUFFERED=1
on=${ON:-gpu}
device=$([ "$on" = gpu ] && echo cuda || echo cpu)
what=${*:-tests study speed}
reports=outputs/reports
mkdir -p "$reports"
say() { echo "[$(date +%T)] $*"; }

if [[ $what == *tests* ]]; then
  say tests
  [ "$on" = gpu ] || export SPPL_GPU_TESTS=cpu
  python -m pytest -m gpu tests/gpu -q -n "${WORKERS:-6}" -o log_file="$reports/gpu_tests.log" -o log_file_level=INFO
fi

if [[ $what == *study* ]]; then
  say study
  python experiments/real_llm/study.py --on "$on" --per-gpu "${PER_GPU:-4}" ${TASKS:+--tasks $TASKS} ${GIVEN:+-- $GIVEN}
fi

if [[ $what == *speed* ]]; then
  say scoring
  rm -f "$reports/scoring_speed/cuda.jsonl"
  DEVICE=$device bash experiments/scoring_speed/cuda.sh
  say training
  python experiments/training_speed/measure.py "$device"
  say generation
  DEVICE=$device ADAPTERS=${ADAPTERS:-8} QUESTIONS=${ANSWERS:-400} ROUNDS=1 COMMANDS=${COMMANDS:-1} \
    MODEL=outputs/models/smollm2 bash experiments/generation_speed/run.sh
fi
python experiments/real_llm/table.py
say done
