"""The scored responses as training examples: how long they are, how many are right, and what one looks like.

All of it is known before anybody trains, and no model runs for it.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import pandas as pd

from sppl.artifacts.store import Leaf, Store
from sppl.benchmarks.benchmark import Benchmark
from sppl.data.conversations import as_text
from sppl.metrics.needs import TokenStats
from sppl.models.size import context_of
from sppl.models.target import TargetModel
from sppl.prompts import Alone, FixedExamples, SelfAligned, StepWise
from sppl.schemas import Conversation, Question, UserError
from sppl.stages.asked import Asking
from sppl.stages.responses import right_responses
from sppl.stages.tables import Examples, Wanted
from sppl.stages.training_examples import encoded
from sppl.strategies.recipe import Recipe

MOST = 4000
"""Characters of a text that is shown as an example."""


def sample_leaf(store: Store, ranking: Leaf) -> Leaf:
    """What a ranking's responses are as training examples."""
    return store.leaf("samples", *ranking.words, settings={"ranking": ranking.name})


def make_sample(
    store: Store,
    ranking: Leaf,
    benchmark: Benchmark,
    target: TargetModel,
    strategies: Mapping[str, Recipe],
    wanted: Wanted,
    n_predict: int,
) -> None:
    """Makes the `samples` artifact of a ranking, unless it is there.

    Args:
        strategies: those that are ranked.
        wanted: their responses, the pool of own answers, and the contexts they are scored in.
        n_predict: how many questions the target answered.
    """
    with store.making(sample_leaf(store, ranking)) as missing:
        if not missing:
            return
        start = time.perf_counter()
        parts, refused = list[pd.DataFrame](), dict[str, str]()
        for name in strategies:
            frame, why = _lengths(target, wanted.examples[name], name)
            if why:
                refused[name] = why
            parts.append(frame.assign(strategy=name))
        frame = pd.concat(parts, ignore_index=True)
        frame["correct"] = pd.array([pd.NA] * len(frame), "boolean")
        if benchmark.judged:
            for name, recipe in strategies.items():
                questions = [question for question, _ in wanted.examples[name]]
                right = right_responses(store, benchmark, recipe, questions)
                at = frame["strategy"] == name
                frame.loc[at, "correct"] = [right[id_] for id_ in frame.loc[at, "question_id"]]
        inputs = {key: value for name in strategies for key, value in wanted.inputs.get(name, {}).items()}
        facts: dict[str, Any] = {"context": context_of(target), "refused": refused, "example": _example(wanted)}
        facts |= {"own_answers": len(wanted.pool.ids), "own_asked": n_predict, "own_note": wanted.pool.note}
        store.write(missing[0], frame, {**inputs, **wanted.pool.inputs}, time.perf_counter() - start, **facts)


def _lengths(target: TargetModel, pairs: Examples, name: str) -> tuple[pd.DataFrame, str]:
    """Tokens of each example; <NA> with the reason where training cannot write them as they are."""
    prompts: list[Any] = [pd.NA] * len(pairs)
    responses, why = list(prompts), ""
    try:
        examples = encoded(target, pairs, name)
        prompts, responses = [len(one.prompt) for one in examples], [len(one.response) for one in examples]
    except UserError as error:
        why = str(error)
    columns = {"prompt_tokens": prompts, "response_tokens": responses}
    frame = pd.DataFrame({key: pd.array(values, "Int64") for key, values in columns.items()})
    frame["question_id"] = [question.id for question, _ in pairs]
    return frame, why


def _example(wanted: Wanted) -> dict[str, Any]:
    """One question, each strategy's response to it, an own answer, and the prompt as the target reads it in scoring."""
    first = {name: pairs[0] for name, pairs in wanted.examples.items() if pairs}
    question = next(iter(first.values()))[0]
    texts = {name: text[:MOST] for name, (_, text) in first.items()}
    return {
        "question": _asked(question)[:MOST],
        "responses": texts,
        "own_answer": wanted.pool.texts[0][:MOST] if wanted.pool.texts else "",
        "prompt": _prompt(wanted, next(iter(first.values())))[:MOST],
    }


def _asked(question: Question) -> str:
    return as_text(question.turns) if isinstance(question, Conversation) else question.prompt


def _prompt(wanted: Wanted, pair: tuple[Question, str]) -> str:
    """All that stands before a response where own answers are shown, else after the question alone; marks included."""
    contexts = [need.context for need in wanted.needs if isinstance(need, TokenStats)]
    contexts = [one for one in contexts if not isinstance(one, Alone | StepWise)]
    contexts.sort(key=lambda one: not isinstance(one, SelfAligned | FixedExamples))
    if not contexts:
        return ""
    with suppress(UserError):  # the stage that scores has said it
        asking = Asking(wanted.target, wanted.prompt, wanted.pool, wanted.scorer)
        (asked,) = asking.responses([pair], contexts[0], steps=False)
        return str(wanted.target.tokenizer().decode(list(asked.requests[0][1].prefix)))
    return ""


def samples_of(store: Store, rankings: Sequence[str]) -> tuple[pd.DataFrame, dict[tuple[str, str], dict[str, Any]]]:
    """The samples of these rankings, and per benchmark and target what their provenance says; empty of older ones."""
    parts, facts = list[pd.DataFrame](), dict[tuple[str, str], dict[str, Any]]()
    for name in dict.fromkeys(rankings):
        ranking = store.open(name)
        leaf = sample_leaf(store, ranking)
        if store.exists(leaf):
            benchmark, target = ranking.words[:2]
            frame = store.read(leaf).assign(benchmark=benchmark, target_model=target)
            facts[benchmark, target] = store.provenance(leaf)
            parts.append(frame.assign(context=facts[benchmark, target]["context"]))
    return (pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()), facts
