"""predict: the untrained target answers questions itself; its correct answers are the pool of examples."""

import time
from collections.abc import Callable, Sequence
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
    """Makes the `predictions` leaf: greedy answers to the first `n_predict` training questions, judged by the task."""
    leaf = predictions_leaf(store, benchmark, target_model, n_predict)
    if store.exists(leaf):
        return Plan((leaf.name,), ())
    if dry:
        return Plan((), (leaf.name,))
    with store.making(leaf) as missing:
        if missing:
            start = time.perf_counter()
            questions = take(benchmark, "train", n_predict)
            texts = _answers(target_model, questions, benchmark.max_new_tokens, batch_size, trainer)
            verdicts = [verdict == 1.0 for verdict in judge(benchmark.task_file, questions, texts)]
            ids = [question.id for question in questions]
            frame = pd.DataFrame({"question_id": ids, "prediction": texts, "correct": verdicts})
            store.write(
                leaf, frame, {}, time.perf_counter() - start, correct_share=round(sum(verdicts) / len(verdicts), 4)
            )
    share = float(store.read(leaf)["correct"].mean())
    for logger in loggers:
        logger.log_metrics({"predict/correct": share})
    return Plan((), (leaf.name,))


def _answers(
    target: TargetModel,
    questions: Sequence["Question"],
    max_new_tokens: int,
    batch_size: int,
    trainer: Callable[..., "pl.Trainer"],
) -> list[str]:
    """One greedy answer per question; prompts of like length share a batch."""
    from torch.utils.data import DataLoader

    from sppl.data.tokens import check_fits, prompt_ids
    from sppl.modules.generator import AnswerGenerator
    from sppl.modules.progress import predicted
    from sppl.prompts import Template

    tokenizer, model = cast("Any", target.tokenizer()), frozen(target)
    prompts = [(index, prompt_ids(tokenizer, question.prompt, Template())) for index, question in enumerate(questions)]
    limit = getattr(model.config, "max_position_embeddings", None)
    lengths = [(questions[index].id, len(prompt) + max_new_tokens) for index, prompt in prompts]
    check_fits(lengths, limit, "questions with room for an answer")
    prompts.sort(key=lambda item: len(item[1]))
    batches = [prompts[start : start + batch_size] for start in range(0, len(prompts), batch_size)]
    module = AnswerGenerator(
        model, pad=tokenizer.pad_token_id, end=tokenizer.eos_token_id, max_new_tokens=max_new_tokens
    )
    made = dict(predicted(trainer, module, DataLoader(cast("Any", batches), batch_size=None), "predict"))
    return [tokenizer.decode(made[index], skip_special_tokens=True) for index in range(len(questions))]
