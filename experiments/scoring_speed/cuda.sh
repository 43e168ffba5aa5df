#!/usr/bin/env bash
# bash experiments/scoring_speed/cuda.sh [OUT]        the rows of one GPU, in bfloat16: a minute on an H100
set -euo pipefail
cd "$(dirname "$0")/../.."
export PYTHONPATH=.
out=${1:-outputs/reports/scoring_speed/cuda.jsonl}
mkdir -p "$(dirname "$out")"
measure() {
  "${PYTHON:-python}" experiments/scoring_speed/measure.py --device "${DEVICE:-cuda}" --dtype bfloat16 --out "$out" \
    --rounds "${ROUNDS:-2}" --vocabulary "${VOCABULARY:-150000}" "$@"
}
# SmolLM2's shape on the lab's words, nine strategies in two contexts: 1,800 responses, the work of small models.
VOCABULARY=${VOCABULARY:-49152} measure --workload words --model "${SMALL:-135m}" --questions "${WORDS:-100}" --strategies 9 \
  --rounds 3 --methods padded
for model in ${MODELS:-1500m 7000m}; do
  for workload in ${WORKLOADS:-gsm8k planbench}; do
    n=${QUESTIONS:-12}
    if [ "$workload" = planbench ]; then n=$(((n + 2) / 3)); fi
    measure --workload "$workload" --model "$model" --questions "$n" --strategies 6 --methods ${METHODS:-one_by_one lm_eval padded}
  done
done
