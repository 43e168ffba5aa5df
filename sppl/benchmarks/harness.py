"""Runs lm-evaluation-harness in this process to judge given texts by a task."""

import json
import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sppl.schemas import Question, UserError

METRIC = "accuracy"
"""The metric of all our tasks: the verdict on one answer, a fraction."""


def judge(task_file: Path, questions: Sequence[Question], texts: Sequence[str]) -> list[float]:
    """Returns the task's verdict on one given answer per question: 1.0 right, 0.0 wrong."""
    if not questions:
        return []
    with _task(task_file, questions) as task:
        task.build_all_requests(rank=0, world_size=1)
        for request, text in zip(task.instances, texts, strict=True):
            request.resps.append(text)
        task.apply_filters()
        judged = {}
        for request in task.instances:
            filtered = next(iter(request.filtered_resps.values()))
            judged[request.doc["id"]] = float(task.process_results(request.doc, [filtered])[METRIC])
    return [judged[question.id] for question in questions]


@contextmanager
def _task(task_file: Path, questions: Sequence[Question]) -> Iterator[Any]:
    """The lm-eval task over these questions: a file that includes ours and names the data."""
    from lm_eval.tasks import TaskManager

    quiet()
    name = task_file.stem
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "questions.jsonl")
        rows = [
            {**question.fields, "id": question.id, "prompt": question.prompt, "answer": question.answer}
            for question in questions
        ]
        data.write_text("".join(json.dumps(row) + "\n" for row in rows))
        spec = {
            "task": name,
            "include": str(task_file.resolve()),
            "dataset_kwargs": {"data_files": {"test": str(data)}, "cache_dir": str(Path(folder, "cache"))},
        }
        Path(folder, f"{name}.yaml").write_text(json.dumps(spec))
        manager = TaskManager(include_path=folder, include_defaults=False)
        task = manager.load(name)["tasks"][name]
        if task.OUTPUT_TYPE != "generate_until":
            raise UserError(
                f"{task_file}: only tasks that judge a written answer (generate_until) will do, not {task.OUTPUT_TYPE}"
            )
        yield task


def quiet() -> None:
    """Silences lm-eval, transformers and datasets, which log every step."""
    import datasets
    import lm_eval.api.task
    import transformers
    from tqdm import tqdm

    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    lm_eval.api.task.tqdm = partial(tqdm, disable=True)  # a bar over making the prompts, done in milliseconds
    for name in ("lm_eval", "lm-eval", "datasets"):
        logging.getLogger(name).setLevel(logging.ERROR)
