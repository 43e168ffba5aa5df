#!/usr/bin/env bash
# bash experiments/benchmarks/run.sh UPSTREAM      both tables; about 8 minutes, of which 7 are MBPP's sandbox
set -euo pipefail
cd "$(dirname "$0")/../.."
upstream=${1:-${SPPL_UPSTREAM:?name the checkout of the records: bash experiments/benchmarks/run.sh PATH}}
python experiments/benchmarks/agreement.py "$upstream"
python experiments/benchmarks/predictions.py "$upstream"
