#!/usr/bin/env bash
# bash experiments/real_responses/run.sh UPSTREAM      seven strategies' published GSM8K answers, the lab's target; minutes
set -euo pipefail
cd "$(dirname "$0")/../.."
upstream=${1:-${SPPL_UPSTREAM:?name the checkout of the records: bash experiments/real_responses/run.sh PATH}}
python run.py 'stage=[predict,score,rank,report]' benchmark=gsm8k benchmark.source=upstream "data_dir=$upstream" \
  'strategy=[gpt4,claude,mini_gpt4,step_by_step,human_examples,gpt4_examples,rewrite]' name=real_responses "${@:2}"
