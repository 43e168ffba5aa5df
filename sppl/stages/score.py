"""score: statistics per token of every response, in every context the metrics need, in one go."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from sppl.benchmarks.benchmark import Benchmark
from sppl.metrics.needs import Gradients, HiddenStates, Metric, Rewards, Table, TokenStats, own_answers, scored_needs
from sppl.models.target import TargetModel
from sppl.modules.scoring import Scoring
from sppl.prompts import SelfAlignedPrompt
from sppl.schemas import Question
from sppl.stages.insides import inside_leaves
from sppl.stages.leaves import Plan, predictions_leaf, table_leaf, take
from sppl.stages.pool import Pool, read_pool
from sppl.stages.responses import known_responses, responses
from sppl.stages.rewarding import reward_leaves
from sppl.stages.scoring import score_leaves
from sppl.store import Leaf, Store
from sppl.strategies.recipe import Recipe

if TYPE_CHECKING:
    import pytorch_lightning as pl
    from pytorch_lightning.loggers import Logger


def score(
    *,
    benchmark: Benchmark,
    target_model: TargetModel,
    strategy: Mapping[str, Recipe],
    metric: Mapping[str, Metric],
    prompt: SelfAlignedPrompt,
    scorer: Scoring,
    n_predict: int,
    n_score: int,
    trainer: Callable[..., "pl.Trainer"],
    store: Store,
    dry: bool = False,
    loggers: Sequence["Logger"] = (),
) -> Plan:
    """Makes one `token_stats` leaf per strategy, context and set of further columns.

    Where metrics ask for them also `rewards`, `hidden_states` and `gradients`.

    Raises:
        MissingArtefact: predictions or paid responses are missing; the message is the command that makes them.
        UserError: a response is empty, or does not fit the target's context.
    """
    needs = scored_needs(metric.values())
    questions = take(benchmark, "train", n_score)
    predictions = predictions_leaf(store, benchmark, target_model, n_predict)
    if dry and not _inputs_exist(store, benchmark, strategy, questions, predictions, needs):
        return Plan((), tuple(f"{name}/{need.name}" for name in strategy for need in needs))
    if own_answers(needs):
        pool = read_pool(store, predictions, benchmark, prompt, take(benchmark, "train", n_predict))
    else:
        pool = Pool((), (), "")
    examples = {name: responses(store, benchmark, recipe, questions) for name, recipe in strategy.items()}
    leaves = {
        (name, need): table_leaf(
            store, benchmark, target_model, strategy=name, need=need, prompt=prompt, scorer=scorer,
            examples=examples[name], pool=predictions,
        )
        for name in strategy
        for need in needs
    }  # fmt: skip
    plan = Plan(
        tuple(leaf.name for leaf in leaves.values() if store.exists(leaf)),
        tuple(leaf.name for leaf in leaves.values() if not store.exists(leaf)),
    )
    if plan.to_make and not dry:
        with store.making(*leaves.values()) as missing:
            todo = {(name, need): leaf for (name, need), leaf in leaves.items() if leaf in missing}
            tokens = {(name, need): leaf for (name, need), leaf in todo.items() if isinstance(need, TokenStats)}
            rewards = {(name, need): leaf for (name, need), leaf in todo.items() if isinstance(need, Rewards)}
            score_leaves(store, target_model, tokens, examples, pool, prompt=prompt, scorer=scorer, trainer=trainer)
            reward_leaves(store, rewards, examples, trainer=trainer)
            inside = {(n, need): leaf for (n, need), leaf in todo.items() if isinstance(need, HiddenStates | Gradients)}
            inside_leaves(store, target_model, inside, examples, prompt=prompt, scorer=scorer, trainer=trainer)
    for (name, need), leaf in leaves.items() if not dry else ():
        if not isinstance(need, TokenStats):
            continue
        loss = -float(store.read(leaf).groupby("example_id")["logprob"].mean().mean())
        for logger in loggers:
            logger.log_metrics({f"score/{name}/{need.name}/loss": loss})
    return plan


def _inputs_exist(
    store: Store,
    benchmark: Benchmark,
    strategy: Mapping[str, Recipe],
    questions: Sequence[Question],
    predictions: Leaf,
    needs: Sequence[Table],
) -> bool:
    pooled = own_answers(needs)
    known = (len(known_responses(store, benchmark, recipe, questions)) for recipe in strategy.values())
    return (store.exists(predictions) or not pooled) and all(n == len(questions) for n in known)
