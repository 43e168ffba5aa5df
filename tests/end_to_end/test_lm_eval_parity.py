"""lm-eval through us gives what lm-eval's own command line gives on the saved model and adapter, to the digit."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from sppl.benchmarks.definition import TASKS
from sppl.benchmarks.harness import judge
from sppl.benchmarks.lm_eval_task import LmEvalTask
from sppl.data.tokens import rendering_of
from sppl.generation.answer import prompts_of
from sppl.generation.local import LocalGenerator
from sppl.hardware.hardware import Hardware
from sppl.lab.source import LabQuestions
from sppl.models.target import TargetModel
from sppl.training.lora import Lora, add_lora
from tests.unit.benchmarks.test_lm_eval_tasks import DOCUMENTS, write_task

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]
N = 12


def by_command_line(folder: Path, questions: list, model: Path, adapter: Path | None) -> dict[str, tuple[str, float]]:
    """Question id -> answer and verdict, by `lm_eval` itself."""
    rows = [
        {**question.fields, "id": question.id, "prompt": question.prompt, "answer": question.answer}
        for question in questions
    ]
    (folder / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = {"task": "lab", "include": str(TASKS / "lab.yaml")}
    task |= {"dataset_kwargs": {"data_files": {"test": str(folder / "questions.jsonl")}}}
    task |= {"generation_kwargs": {"do_sample": False, "max_gen_toks": 200, "until": []}}
    (folder / "lab.yaml").write_text(json.dumps(task))
    arguments = f"pretrained={model},dtype=float32" + (f",peft={adapter}" if adapter else "")
    command = [sys.executable, "-m", "lm_eval", "--model", "hf", "--model_args", arguments, "--tasks", "lab"]
    command += ["--include_path", str(folder), "--apply_chat_template", "--log_samples", "--device", "cpu"]
    command += ["--batch_size", "4", "--output_path", str(folder / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    (samples,) = (folder / "out").rglob("samples_*.jsonl")
    kept = [json.loads(line) for line in samples.read_text().splitlines()]
    return {one["doc"]["id"]: (one["resps"][0][0], float(one["accuracy"])) for one in kept}


def test_a_further_tasks_figures_are_those_of_lm_evals_own_command(root, tmp_path, monkeypatch):
    monkeypatch.chdir(root)
    target = TargetModel("lab", str(root / "sppl" / "lab" / "checkpoint"))
    given = write_task(tmp_path, DOCUMENTS)
    _, figures, _ = LmEvalTask(given, None).evaluate(target.load(), rendering_of(target.tokenizer()), batch_size=4)
    command = [sys.executable, "-m", "lm_eval", "--model", "hf", "--model_args", f"pretrained={target.path}"]
    command += ["--tasks", given, "--apply_chat_template", "--device", "cpu", "--batch_size", "4"]
    command += ["--output_path", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    (path,) = (tmp_path / "out").rglob("results_*.json")
    theirs = json.loads(path.read_text())["results"]["arc_here"]
    for figure in figures:
        assert figure["value"] == theirs[f"{figure['metric']},none"]
        assert figure["se"] == pytest.approx(theirs[f"{figure['metric']}_stderr,none"])


@pytest.mark.parametrize("kind", ["target", "adapter"])
def test_our_evaluation_is_that_of_lm_evals_own_command(root, tmp_path, monkeypatch, kind):
    monkeypatch.chdir(root)
    target = TargetModel("lab", str(root / "sppl" / "lab" / "checkpoint"))
    questions = LabQuestions().questions("test", N)
    adapter = None
    if kind == "adapter":
        torch.manual_seed(0)
        wrapped = add_lora(target.load(), Lora(rank=4, alpha=8))
        for name, weight in wrapped.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=0.05)
        adapter = tmp_path / "adapter"
        wrapped.save_pretrained(str(adapter))
    answering = LocalGenerator().open(target, Hardware(), tmp_path)
    ours = [one.text for one in answering.answer(prompts_of(questions), max_new_tokens=200, trained=adapter)]
    verdicts = judge(TASKS / "lab.yaml", questions, ours)
    theirs = by_command_line(tmp_path, questions, Path(target.path), adapter)
    ids = [question.id for question in questions]
    assert dict(zip(ids, zip(ours, verdicts, strict=True), strict=True)) == theirs
