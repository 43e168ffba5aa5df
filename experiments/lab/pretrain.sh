#!/usr/bin/env bash
# Remakes the lab's target model: about 5 minutes on two CPU cores, no network.
# SEED and OUT may be set, for example: SEED=1 OUT=outputs/lab_seed1 experiments/lab/pretrain.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
export OMP_WAIT_POLICY=PASSIVE
exec python -m sppl.lab.pretrain --seed "${SEED:-0}" --out "${OUT:-sppl/lab/checkpoint}"
