#!/usr/bin/env bash
# bash experiments/gpu/wheels.sh PYTHON FOLDER        what a bare GPU machine lacks, as wheels for its Python, e.g. 3.12
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${1:?which Python is there? e.g. 3.12}
out=${2:-outputs/wheels}
mkdir -p "$out"
platforms=()
for tag in 2_31 2_28 2_27 2_24 2_17; do platforms+=(--platform "manylinux_${tag}_x86_64"); done
platforms+=(--platform manylinux2014_x86_64 --platform manylinux1_x86_64)
names=(transformers hydra-core omegaconf lm_eval datasets evaluate pandera typeguard typing-inspect mypy_extensions pydantic
  pydantic_core annotated-types typing-inspection trl dill multiprocess pytablewriter DataProperty mbstrdecoder pathvalidate
  tabledata tcolorpy typepy more-itertools chardet pytest-timeout pytest-xdist pandas peft httpx hydra-joblib-launcher gguf pytz)
for name in "${names[@]}"; do
  python -m pip download -q --no-deps --only-binary=:all: --python-version "$python" --implementation cp \
    "${platforms[@]}" -c constraints.txt -d "$out" "$name"
done
# these come as sources only, and hold Python alone
python -m pip wheel -q --no-deps -w "$out" antlr4-python3-runtime==4.9.3 rouge_score word2number sqlitedict
# lm-eval's own tasks are most of its wheel, and none is needed
python - "$out" <<'PYTHON'
import shutil
import sys
import zipfile
from pathlib import Path

(wheel,) = Path(sys.argv[1]).glob("lm_eval-*.whl")
small = wheel.with_suffix(".small")
with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(small, "w", zipfile.ZIP_DEFLATED) as new:
    for entry in old.infolist():
        parts = entry.filename.split("/")
        if parts[:2] != ["lm_eval", "tasks"] or len(parts) <= 3:
            new.writestr(entry, old.read(entry.filename))
shutil.move(small, wheel)
PYTHON
du -sh "$out"
