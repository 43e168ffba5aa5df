"""Three adapters of one target evaluated by us in one process, and by lm-eval's own command three times.

python experiments/evaluation_speed/measure.py --questions 100 --rounds 3
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
OURS = """
import sys
from pathlib import Path
from sppl.benchmarks.benchmark import TASKS
from sppl.benchmarks.harness import evaluate
from sppl.lab.source import LabQuestions
from sppl.models.target import TargetModel
from sppl.training.trained import TrainedModels

target = TargetModel("lab", "sppl/lab/checkpoint")
models, questions = TrainedModels(target), LabQuestions().questions("test", int(sys.argv[1]))
for folder in sys.argv[2:]:
    frame = evaluate(models.load(Path(folder)), target.tokenizer(), TASKS / "lab.yaml", questions,
                     max_new_tokens=200, batch_size=64)
    print(frame["correct"].mean())
"""


def adapters(folder: Path) -> list[Path]:
    """Three adapters with different small weights."""
    import torch

    from sppl.models.target import TargetModel
    from sppl.training.lora import Lora, add_lora

    made = []
    for seed in range(3):
        torch.manual_seed(seed)
        model = add_lora(TargetModel("lab", str(ROOT / "sppl/lab/checkpoint")).load(), Lora(rank=4, alpha=8))
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=0.02)
        made.append(folder / f"adapter{seed}")
        model.save_pretrained(str(made[-1]))
    return made


def task(folder: Path, n: int) -> None:
    """The lab's task over local rows, as lm-eval's command wants it."""
    from sppl.benchmarks.benchmark import TASKS
    from sppl.lab.source import LabQuestions

    rows = [{"id": q.id, "prompt": q.prompt, "answer": q.answer} for q in LabQuestions().questions("test", n)]
    data = folder / "questions.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    spec = {"task": "lab", "include": str(TASKS / "lab.yaml"), "dataset_kwargs": {"data_files": {"test": str(data)}}}
    spec["generation_kwargs"] = {"do_sample": False, "max_gen_toks": 200, "until": []}
    (folder / "lab.yaml").write_text(json.dumps(spec))


def theirs(folder: Path, adapter: Path) -> list[str]:
    """lm-eval's command for one adapter."""
    model = f"pretrained={ROOT}/sppl/lab/checkpoint,dtype=float32,peft={adapter}"
    command = [sys.executable, "-m", "lm_eval", "--model", "hf", "--model_args", model, "--tasks", "lab"]
    return [*command, "--include_path", str(folder), "--apply_chat_template", "--device", "cpu", "--batch_size", "64"]


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = adapters(folder)
        task(folder, asked.questions)

        def run(command: list[str]) -> None:
            subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

        ours = [sys.executable, "-c", OURS, str(asked.questions), *map(str, made)]
        times: dict[str, list[float]] = {"ours": [], "lm_eval": []}
        for _ in range(asked.rounds):
            times["ours"].append(seconds(lambda: run(ours)))
            times["lm_eval"].append(seconds(lambda: [run(theirs(folder, adapter)) for adapter in made]))
    medians = {system: statistics.median(values) for system, values in times.items()}
    out = ROOT / "outputs" / "reports" / "evaluation_speed"
    out.mkdir(parents=True, exist_ok=True)
    lines = ["system,adapters,questions,seconds,ratio_vs_lm_eval"]
    lines += [f"{s},3,{asked.questions},{t:.1f},{medians['lm_eval'] / t:.2f}" for s, t in medians.items()]
    (out / "table.csv").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
