#!/usr/bin/env bash
# bash experiments/scoring_speed/run.sh        about 17 minutes on 2 quiet CPU cores; ROUNDS=2 QUESTIONS=1 MODELS=15m for a look
# Real lengths where SPPL_UPSTREAM names a checkout of the published records, else drawn with the same means.
set -euo pipefail
cd "$(dirname "$0")/../.."
export OMP_WAIT_POLICY=PASSIVE PYTHONPATH=.
python=${PYTHON:-python}
rounds=${ROUNDS:-2}
questions=${QUESTIONS:-2}
models=${MODELS:-15m 60m}
vocabularies=${VOCABULARIES:-32000 150000}
workloads=${WORKLOADS:-gsm8k ecqa planbench}
out=outputs/reports/scoring_speed
mkdir -p "$out"
rm -f "$out"/*.jsonl
measure() { "$python" experiments/scoring_speed/measure.py --rounds "$rounds" "$@"; }

for model in $models; do
  for vocabulary in $vocabularies; do
    for workload in $workloads; do
      n=$questions
      if [ "$workload" = planbench ]; then n=$(((questions + 1) / 2)); fi
      measure --workload "$workload" --model "$model" --vocabulary "$vocabulary" --questions "$n" --out "$out/table.jsonl"
    done
  done
done
if "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
  bash experiments/scoring_speed/cuda.sh "$out/table.jsonl"
fi
# Racing on 300 lab questions against scoring all of them one by one, and on the paper's records.
"$python" experiments/scoring_speed/race.py --questions "${RACE_QUESTIONS:-300}" --rounds "$rounds" --out "$out/table.jsonl"
# Peak memory with a large vocabulary and a long prompt.
measure --workload long_prompt --model 15m --vocabulary 150000 --questions 1 --rounds 1 --methods one_by_one \
  --out "$out/table.jsonl"
# Growth with the number of strategies, then with the number of own answers in the prompt.
measure --workload gsm8k --model 15m --vocabulary 32000 --questions "$questions" --strategies 1 2 3 4 6 \
  --methods one_by_one --out "$out/growth.jsonl"
for examples in 0 1 2 3 5; do
  measure --workload gsm8k --model 15m --vocabulary 32000 --questions "$questions" --strategies 6 \
    --examples "$examples" --methods one_by_one --out "$out/growth.jsonl"
done
"$python" experiments/scoring_speed/table.py "$out"
