#!/usr/bin/env bash
# Nine lab strategies: scored, the two best by SPPL trained briefly, settled on validation questions.
set -euo pipefail
python run.py experiment=shortlist 'strategy=[gpt4,claude,mini_gpt4,step_by_step,human_examples,rewrite,self_generated,code,self_check]' "$@"
