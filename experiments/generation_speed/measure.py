"""Adapters of one target answering and being judged: by us in one process, and by lm-eval's own command per adapter.

python experiments/generation_speed/measure.py --questions 100 --rounds 3
python experiments/generation_speed/measure.py --model outputs/models/smollm2 --device cuda --adapters 8 --commands 1
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
LAB = str(ROOT / "sppl/lab/checkpoint")
INSTRUCTION = 'Reason first. End with a line "#### " followed by the number.'
OURS = """
import json, sys, time
from pathlib import Path
from sppl.benchmarks.definition import TASKS
from sppl.benchmarks.harness import judge
from sppl.generation.answer import prompts_of
from sppl.generation.local import LocalGenerator
from sppl.hardware.hardware import Hardware
from sppl.lab.source import LabQuestions
from sppl.models.target import TargetModel

asked = json.loads(sys.argv[1])
target = TargetModel("target", asked["model"], dtype=asked["dtype"])
questions = LabQuestions(instruction=asked["instruction"]).questions("test", asked["questions"])
answering = LocalGenerator().open(target, Hardware("gpu" if asked["device"] == "cuda" else "cpu"), Path())
for folder in asked["adapters"]:
    begun = time.perf_counter()
    made = answering.answer(prompts_of(questions), max_new_tokens=asked["longest"], trained=Path(folder))
    took = time.perf_counter() - begun
    verdicts = judge(TASKS / "lab.yaml", questions, [one.text for one in made])
    print(json.dumps({"accuracy": sum(verdicts) / len(verdicts), "seconds": took}))
"""


def adapters(folder: Path, asked: argparse.Namespace) -> list[Path]:
    """Adapters with different small weights."""
    import torch

    from sppl.models.target import TargetModel
    from sppl.training.lora import Lora, add_lora

    made = []
    model = add_lora(TargetModel("target", asked.model, dtype=asked.dtype).load(), Lora(rank=4, alpha=8))
    for seed in range(asked.adapters):
        torch.manual_seed(seed)
        for name, weight in model.named_parameters():
            if "lora_" in name:
                torch.nn.init.normal_(weight, std=0.02 if asked.model == LAB else 0.01)
        made.append(folder / f"adapter{seed}")
        model.save_pretrained(str(made[-1]))
    return made


def task(folder: Path, asked: argparse.Namespace) -> None:
    """The lab's task over local rows, as lm-eval's command wants it."""
    from sppl.benchmarks.definition import TASKS
    from sppl.lab.source import LabQuestions

    questions = LabQuestions(instruction=asked.instruction).questions("test", asked.questions)
    rows = [{"id": q.id, "prompt": q.prompt, "answer": q.answer} for q in questions]
    data = folder / "questions.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    spec = {"task": "lab", "include": str(TASKS / "lab.yaml"), "dataset_kwargs": {"data_files": {"test": str(data)}}}
    spec["generation_kwargs"] = {"do_sample": False, "max_gen_toks": asked.longest, "until": []}
    (folder / "lab.yaml").write_text(json.dumps(spec))


def theirs(folder: Path, adapter: Path, asked: argparse.Namespace) -> list[str]:
    """lm-eval's command for one adapter."""
    model = f"pretrained={asked.model},dtype={asked.dtype},peft={adapter}"
    command = [sys.executable, "-m", "lm_eval", "--model", "hf", "--model_args", model, "--tasks", "lab"]
    command += ["--include_path", str(folder), "--apply_chat_template", "--device", asked.device]
    return [*command, "--batch_size", "64"]


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=LAB)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--adapters", type=int, default=3)
    parser.add_argument("--commands", type=int, help="how many of them lm-eval is timed on; default all")
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    asked.dtype = "float32" if asked.model == LAB else "bfloat16"
    asked.instruction, asked.longest = ("", 200) if asked.model == LAB else (INSTRUCTION, 160)
    asked.commands = asked.commands or asked.adapters
    return asked


def main() -> None:
    asked = arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = adapters(folder, asked)
        task(folder, asked)

        def run(command: list[str]) -> str:
            done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr[-3000:]
            return done.stdout

        given = {**vars(asked), "adapters": [str(one) for one in made]}
        ours = [sys.executable, "-c", OURS, json.dumps(given)]
        times: dict[str, list[float]] = {"ours": [], "lm_eval": []}
        for _ in range(asked.rounds):
            times["ours"].append(seconds(lambda: print(run(ours), end="", flush=True)))
            each = [seconds(lambda at=at: run(theirs(folder, at, asked))) for at in made[: asked.commands]]
            times["lm_eval"].append(statistics.mean(each) * len(made))
    medians = {system: statistics.median(values) for system, values in times.items()}
    out = ROOT / "outputs" / "reports" / "generation_speed"
    out.mkdir(parents=True, exist_ok=True)
    lines = ["system,model,device,adapters,questions,seconds,ratio_vs_lm_eval"]
    key = f"{Path(asked.model).name},{asked.device},{asked.adapters},{asked.questions}"
    lines += [f"{system},{key},{took:.1f},{medians['lm_eval'] / took:.2f}" for system, took in medians.items()]
    (out / f"{asked.device}.csv").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
