"""Samples: the scored responses seen as training examples, with their lengths, verdicts and one full example.

No model runs for this, so that all of it is known before any training.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sppl.artifacts.store import ArtifactId, Store
from sppl.data.conversations import write_turns
from sppl.models.size import context_of
from sppl.models.target import TargetModel
from sppl.prompts import Alone, FixedExamples, SelfAligned, StepWise
from sppl.schemas import Conversation, Question, UserError
from sppl.scoring.request_builder import RequestBuilder
from sppl.study.wanted_tables import FoundResponses
from sppl.tables.token_stats import TokenStats
from sppl.training.training_examples import encode_examples

MOST = 4000
"""Characters of a text that is shown as an example, at most."""


@dataclass(frozen=True)
class Samples:
    """The training examples that a ranking's responses make, and one example per strategy with its whole prompt.

    Args:
        found: the ranked strategies' responses, the pool of own answers, and the contexts they are scored in.
        ranking: the ranking of these strategies.
    """

    found: FoundResponses
    ranking: ArtifactId

    @property
    def id(self) -> ArtifactId:
        return samples_id(self.found.wanted.study.store, self.ranking)

    @property
    def exists(self) -> bool:
        return self.found.wanted.study.store.exists(self.id)

    def inputs(self) -> dict[str, str]:
        sample = self.found.sample
        own = [sample.inputs.get(name, {}) for name in self.found.wanted.strategy]
        return {key: value for part in [*own, sample.pool.inputs] for key, value in part.items()}

    def make(self) -> None:
        start, wanted, sample = time.perf_counter(), self.found.wanted, self.found.sample
        parts, refused = list[pd.DataFrame](), dict[str, str]()
        for name, responses in wanted.responses().items():
            frame, why = _lengths(sample.target, sample.examples[name], name)
            if why:
                refused[name] = why
            right = responses.right() if wanted.study.benchmark.judged else {}
            verdicts = [right.get(id_, pd.NA) for id_ in frame["question_id"]]
            parts.append(frame.assign(strategy=name, correct=pd.array(verdicts, "boolean")))
        facts: dict[str, Any] = {
            "context": context_of(sample.target),
            "refused": refused,
            "example": _example(self.found),
        }
        pool = sample.pool
        facts |= {"own_answers": len(pool.ids), "own_asked": wanted.conditions.n_predict, "own_note": pool.note}
        frame = pd.concat(parts, ignore_index=True)
        wanted.study.store.write(self.id, frame, self.inputs(), time.perf_counter() - start, **facts)


def samples_id(store: Store, ranking: ArtifactId) -> ArtifactId:
    """Returns the name of a ranking's samples."""
    return store.artifact_id("samples", *ranking.words, settings={"ranking": ranking.name})


def _lengths(target: TargetModel, pairs: Sequence[tuple[Question, str]], name: str) -> tuple[pd.DataFrame, str]:
    """Tokens of each example, or <NA> and the reason where the chat template cannot write them."""
    prompts: list[Any] = [pd.NA] * len(pairs)
    responses, why = list(prompts), ""
    try:
        examples = encode_examples(target, pairs, name)
        prompts, responses = [len(one.prompt) for one in examples], [len(one.response) for one in examples]
    except UserError as error:
        why = str(error)
    columns = {"prompt_tokens": prompts, "response_tokens": responses}
    frame = pd.DataFrame({key: pd.array(values, "Int64") for key, values in columns.items()})
    frame["question_id"] = [question.id for question, _ in pairs]
    return frame, why


def _example(found: FoundResponses) -> dict[str, Any]:
    """One question, each strategy's response to it, an own answer of the target, and the scored prompt."""
    first = {name: pairs[0] for name, pairs in found.sample.examples.items() if pairs}
    question = next(iter(first.values()))[0]
    texts = {name: text[:MOST] for name, (_, text) in first.items()}
    return {
        "question": _asked(question)[:MOST],
        "responses": texts,
        "own_answer": own[0][:MOST] if (own := found.sample.pool.texts) else "",
        "prompt": _prompt(found, next(iter(first.values())))[:MOST],
    }


def _asked(question: Question) -> str:
    return write_turns(question.turns) if isinstance(question, Conversation) else question.prompt


def _prompt(found: FoundResponses, pair: tuple[Question, str]) -> str:
    """The whole prompt of a response, with the template's marks and, where a metric shows them, own answers."""
    contexts = [need.context for need in found.wanted.needs if isinstance(need, TokenStats)]
    contexts = [one for one in contexts if not isinstance(one, Alone | StepWise)]
    contexts.sort(key=lambda one: not isinstance(one, SelfAligned | FixedExamples))
    if not contexts:
        return ""
    with suppress(UserError):  # the stage that scores has said it
        sample = found.sample
        asking = RequestBuilder(sample.target, sample.prompt, sample.pool, sample.scorer)
        (asked,) = asking.responses([pair], contexts[0], steps=False)
        return str(sample.target.tokenizer().decode(list(asked.requests[0][1].prefix)))
    return ""


def samples_of(store: Store, rankings: Sequence[str]) -> tuple[pd.DataFrame, dict[tuple[str, str], dict[str, Any]]]:
    """Returns the samples of these rankings, and per benchmark and target the facts in their provenance.

    Rankings that were made before samples were kept have none.
    """
    parts, facts = list[pd.DataFrame](), dict[tuple[str, str], dict[str, Any]]()
    for name in dict.fromkeys(rankings):
        ranking = store.open(name)
        artifact = samples_id(store, ranking)
        if store.exists(artifact):
            benchmark, target = ranking.words[:2]
            frame = store.read(artifact).assign(benchmark=benchmark, target_model=target)
            facts[benchmark, target] = store.provenance(artifact)
            parts.append(frame.assign(context=facts[benchmark, target]["context"]))
    return (pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()), facts
