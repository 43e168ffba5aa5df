"""predict: the untrained target answers questions itself; its correct answers are the pool of examples."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from sppl.benchmarks.benchmark import Benchmark
from sppl.benchmarks.harness import judge
from sppl.models.target import TargetModel, frozen
from sppl.stages.leaves import Plan, predictions_leaf, take
from sppl.store import Store

if TYPE_CHECKING:
    import pytorch_lightning as pl
    from pytorch_lightning.loggers import Logger

    from sppl.schemas import Question


def predict(
    *,
    benchmark: Benchmark,
    target_model: TargetModel,
    n_predict: int,
    batch_size: int,
    trainer: Callable[..., "pl.Trainer"],
    store: Store,
    dry: bool = False,
    loggers: Sequence["Logger"] = (),
) -> Plan:
    """Makes the `predictions` leaf: answers to the first `n_predict` training questions, judged by the task.

    They are greedy, or sampled as `benchmark.sampling` says.
    """
    leaf = predictions_leaf(store, benchmark, target_model, n_predict)
    plan = Plan((leaf.name,), ()) if store.exists(leaf) else Plan((), (leaf.name,))
    if dry:
        return plan
    with store.making(leaf) as missing:
        if missing:
            start = time.perf_counter()
            questions = take(benchmark, "train", n_predict)
            texts = _answers(target_model, benchmark, questions, batch_size, trainer)
            verdicts = [verdict == 1.0 for verdict in judge(benchmark.task_file, questions, texts)]
            ids = [question.id for question in questions]
            frame = pd.DataFrame({"question_id": ids, "prediction": texts, "correct": verdicts})
            store.write(
                leaf, frame, {}, time.perf_counter() - start, correct_share=round(sum(verdicts) / len(verdicts), 4)
            )
    share = float(store.read(leaf)["correct"].mean())
    for logger in loggers:
        logger.log_metrics({"predict/correct": share})
    return plan


def _answers(
    target: TargetModel,
    benchmark: Benchmark,
    questions: Sequence["Question"],
    batch_size: int,
    trainer: Callable[..., "pl.Trainer"],
) -> list[str]:
    """One answer per question; prompts of like length share a batch, unless answers are sampled."""
    from torch.utils.data import DataLoader

    from sppl.data.tokens import check_fits, prompt_ids
    from sppl.modules.generator import AnswerGenerator
    from sppl.modules.progress import predicted
    from sppl.prompts import Template

    tokenizer, model = cast("Any", target.tokenizer()), frozen(target)
    prompts = [(index, prompt_ids(tokenizer, question.prompt, Template())) for index, question in enumerate(questions)]
    limit = getattr(model.config, "max_position_embeddings", None)
    lengths = [(questions[index].id, len(prompt) + benchmark.max_new_tokens) for index, prompt in prompts]
    check_fits(lengths, limit, "questions with room for an answer")
    prompts.sort(key=lambda item: len(item[1]))
    batch_size = 1 if benchmark.sampling else batch_size
    batches = [prompts[start : start + batch_size] for start in range(0, len(prompts), batch_size)]
    module = AnswerGenerator(
        model,
        pad=tokenizer.pad_token_id,
        end=tokenizer.eos_token_id,
        max_new_tokens=benchmark.max_new_tokens,
        sampling=asdict(benchmark.sampling) if benchmark.sampling else None,
    )
    made = dict(predicted(trainer, module, DataLoader(cast("Any", batches), batch_size=None), "predict"))
    return [tokenizer.decode(made[index], skip_special_tokens=True) for index in range(len(questions))]
