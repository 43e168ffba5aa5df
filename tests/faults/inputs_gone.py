"""Runs a loop over own files whose files or model go away or change meanwhile; prints what came of it.

    python -m tests.faults.inputs_gone FOLDER [CASE ...]

Afterwards the same command is typed again: with the inputs put back, and where they were replaced with the new ones
too. Moments are those of `tests.faults.meanwhile`.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.faults.loop_and_die import damaged, ended, start, undisturbed
from tests.faults.meanwhile import Act, at, remove

MODEL = ROOT / "sppl" / "lab" / "checkpoint"
DATA = "data/"
"""The user's folder; without the slash it would be the artifact's data."""
SIZES = ["n_train=12", "n_score=6", "n_predict=6", "n_test=3", "training.epochs=1", "logger=[]"]


def command(folder: Path) -> list[str]:
    given = ["benchmark=local", "benchmark.answer=number", "metric=[perplexity,length]", "name=loop"]
    return [*given, *SIZES, f"data_dir={folder}/data", f"target_model.path={folder}/model"]


def prepare(folder: Path) -> None:
    """Questions, the responses of two strategies, and a model."""
    shutil.rmtree(folder / "data", ignore_errors=True)
    shutil.rmtree(folder / "model", ignore_errors=True)
    (folder / "data").mkdir(parents=True)
    shutil.copytree(MODEL, folder / "model")
    asked = [{"id": f"q{n}", "question": f"How many are {n} and 1?", "gold_label": str(n + 1)} for n in range(15)]
    write(folder / "data" / "questions.jsonl", asked)
    for name, said in (("short", ""), ("long", "We count them one by one. ")):
        write(folder / "data" / f"{name}.jsonl", responses(said))


def responses(said: str) -> list[dict[str, str]]:
    return [{"id": f"q{n}", "response": f"{said}{n} and 1.\nFinal Answer: {n + 1}"} for n in range(15)]


def write(path: Path, rows: list[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def other_responses(folder: Path, _: Path) -> None:
    write(folder / "data" / "long.jsonl", responses("We think of it for a while. "))


def other_model(folder: Path, _: Path) -> None:
    """The same model with other weights."""
    import torch
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model" / "model.safetensors")
    name = sorted(weights)[0]
    weights[name] = weights[name] + 0.01 * torch.ones_like(weights[name])
    save_file(weights, folder / "model" / "new", metadata={"format": "pt"})
    (folder / "model" / "new").replace(folder / "model" / "model.safetensors")


CASES: dict[str, tuple[str, str, Act]] = {
    **{
        f"a strategy's file deleted once {kind} are written": ("made", kind, remove("data/long.jsonl"))
        for kind in ("responses", "token_stats", "adapters")
    },
    **{
        f"the questions deleted once {kind} are written": ("made", kind, remove("data/questions.jsonl"))
        for kind in ("responses", "answers")
    },
    **{
        f"the data folder deleted once {kind} are written": ("made", kind, remove(DATA))
        for kind in ("responses", "token_stats", "results")
    },
    **{
        f"a strategy's file replaced once {kind} are written": ("made", kind, other_responses)
        for kind in ("responses", "token_stats", "adapters")
    },
    **{
        f"the model's folder deleted once {kind} are written": ("made", kind, remove("model"))
        for kind in ("responses", "token_stats", "adapters", "results")
    },
    "the model's weights deleted while training": ("begun", "adapters", remove("model/model.safetensors")),
    "the model's tokenizer deleted once responses are written": ("made", "responses", remove("model/tokenizer.json")),
    **{
        f"the model's weights replaced once {kind} are written": ("made", kind, other_model)
        for kind in ("responses", "token_stats", "adapters")
    },
}


def finished(folder: Path, typed: list[str], store: Path | None = None) -> bytes | None:
    """The table of the same command; None where it does not end well."""
    (folder / "loop" / "table.csv").unlink(missing_ok=True)
    status = ended(start(folder, folder / "said.txt", typed=typed, store=store), 300)
    return (folder / "loop" / "table.csv").read_bytes() if status == 0 else None


def tried(folder: Path, case: str, table: bytes) -> dict[str, Any]:
    """What the disturbed run says and leaves, and whether the next ones end as if nothing had happened."""
    moment, kind, act = CASES[case]
    prepare(folder)
    typed, said = command(folder), folder / "said.txt"
    status = ended(start(folder, said, lambda: at(moment, kind, folder, act), typed), 300)
    first, broken, as_new = said.read_text(), damaged(folder / "store"), True
    if "replaced" in case:
        as_new = finished(folder, typed) == finished(folder, typed, folder / "new_store")
    prepare(folder)
    went_on = finished(folder, typed) == table
    return {
        "case": case, "status": status, "said": first, "broken": broken, "as_new": as_new, "went_on": went_on,
        "all": said.read_text(),
    }  # fmt: skip


def main() -> None:
    root, names = Path(sys.argv[1]), sys.argv[2:] or list(CASES)
    os.chdir(ROOT)
    prepare(root / "whole")
    table, _ = undisturbed(root / "whole", command(root / "whole"))
    found = []
    for number, name in enumerate(names):
        found.append(tried(root / str(number), name, table))
        one = found[-1]
        facts = ", ".join(f"{key} {one[key]}" for key in ("status", "as_new", "went_on"))
        last = one["said"].strip().splitlines()[-1:] if one["status"] else ""
        sys.stderr.write(f"{name} | {facts}, {len(one['broken'])} broken {last}\n")
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
