"""lm-evaluation-harness in process: the same task judges given texts and evaluates models."""

import json
import logging
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sppl.schemas import Question, UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

METRIC = "accuracy"
"""The name every task of ours gives the verdict on one answer, a fraction."""


def judge(task_file: Path, questions: Sequence[Question], texts: Sequence[str]) -> list[float]:
    """The verdict of the task on one given answer per question: 1.0 right, 0.0 wrong."""
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


def asked(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    task: Any,
    *,
    batch_size: int,
    device: str,
    limit: int | None = None,
) -> dict[str, Any]:
    """What lm-eval's own command finds out about a model on one task, in the tokenizer's chat template.

    Its `simple_evaluate` asks pip and the system about their versions for every model, which takes a second; the store
    keeps the versions anyway.
    """
    import lm_eval
    import numpy as np
    import torch
    from lm_eval.models.huggingface import HFLM

    quiet()
    random.seed(0)  # these four seeds are the command's
    np.random.seed(1234)
    torch.manual_seed(1234)
    task.set_fewshot_seed(seed=1234)
    longest = getattr(model.config, "max_position_embeddings", None)
    options: dict[str, Any] = {"batch_size": batch_size, "max_length": longest, "device": device}
    options["trust_remote_code"] = False
    wrapped: Any = HFLM(**{"pretrained": model, "tokenizer": tokenizer}, **options)
    if not sys.stderr.isatty():  # a log file is no place for progress bars
        wrapped.generate_until = partial(wrapped.generate_until, disable_tqdm=True)
        wrapped.loglikelihood = partial(wrapped.loglikelihood, disable_tqdm=True)
    ask: Any = lm_eval.evaluate  # its decorator hides its signature from type checkers
    tasks = {"tasks": {task.task_name: task}, "groups": {}, "group_map": {}}
    how = {"apply_chat_template": True, "fewshot_as_multiturn": True, "bootstrap_iters": 0}
    return ask(lm=wrapped, task_dict=tasks, limit=limit, **how)


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
    """lm-eval, transformers and datasets report every step they take; a user can act on none of it."""
    import datasets
    import lm_eval.api.task
    import transformers
    from tqdm import tqdm

    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    lm_eval.api.task.tqdm = partial(tqdm, disable=True)  # a bar over making the prompts, done in milliseconds
    for name in ("lm_eval", "lm-eval", "datasets"):
        logging.getLogger(name).setLevel(logging.ERROR)
