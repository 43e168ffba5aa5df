"""lm-evaluation-harness in process: the same task judges given texts and evaluates models."""

import json
import logging
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sppl.schemas import Question, UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

METRIC = "accuracy"
"""The name every task of ours gives the verdict on one answer, a fraction."""


def judge(task_file: Path, questions: Sequence[Question], texts: Sequence[str]) -> list[float]:
    """The verdict of the task on one given answer per question: 1.0 right, 0.0 wrong."""
    if not questions:
        return []
    with _task(task_file, questions) as (task, _):
        task.build_all_requests(rank=0, world_size=1)
        for request, text in zip(task.instances, texts, strict=True):
            request.resps.append(text)
        task.apply_filters()
        judged = {}
        for request in task.instances:
            filtered = next(iter(request.filtered_resps.values()))
            judged[request.doc["id"]] = float(task.process_results(request.doc, [filtered])[METRIC])
    return [judged[question.id] for question in questions]


def evaluate(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    task_file: Path,
    questions: Sequence[Question],
    *,
    max_new_tokens: int,
    batch_size: int,
    device: str = "cpu",
) -> pd.DataFrame:
    """The model's greedy answers and their verdicts: columns `question_id, answer, correct`, in question order.

    Args:
        model: any causal model, PEFT-wrapped or not, in eval mode.
        questions: what is asked, each in the model's chat template.
    """
    from lm_eval import simple_evaluate

    wrapped = language_model(model, tokenizer, batch_size, device)
    with _task(task_file, questions) as (task, manager):
        task.set_config("generation_kwargs", {"max_gen_toks": max_new_tokens}, update=True)
        ask: Any = simple_evaluate  # its decorator hides its signature from type checkers
        found = ask(model=wrapped, tasks=[task], task_manager=manager, apply_chat_template=True, bootstrap_iters=0)
    rows = [
        {
            "question_id": sample["doc"]["id"],
            "answer": sample["resps"][0][0],
            "correct": float(sample[METRIC]),
        }
        for sample in next(iter(found["samples"].values()))
    ]
    order = {question.id: position for position, question in enumerate(questions)}
    return pd.DataFrame(rows).sort_values("question_id", key=lambda ids: ids.map(order)).reset_index(drop=True)


def language_model(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", batch_size: int, device: str) -> Any:
    """The model as lm-eval wants it."""
    from lm_eval.models.huggingface import HFLM

    quiet()
    limit = getattr(model.config, "max_position_embeddings", None)
    options: dict[str, Any] = {"batch_size": batch_size, "max_length": limit, "device": device}
    wrapped: Any = HFLM(**{"pretrained": model, "tokenizer": tokenizer}, **options)
    if not sys.stderr.isatty():  # a log file is no place for progress bars
        wrapped.generate_until = partial(wrapped.generate_until, disable_tqdm=True)
        wrapped.loglikelihood = partial(wrapped.loglikelihood, disable_tqdm=True)
    return wrapped


@contextmanager
def _task(task_file: Path, questions: Sequence[Question]) -> Iterator[tuple[Any, Any]]:
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
        yield task, manager


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
