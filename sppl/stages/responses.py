"""The responses of a strategy: read from the store, and made where making them costs nothing."""

import logging
import time
from collections.abc import Sequence
from typing import Any

import pandas as pd

from sppl.artifacts.provenance import fingerprint
from sppl.artifacts.store import MissingArtefact, Store
from sppl.benchmarks.benchmark import Benchmark
from sppl.benchmarks.harness import judge
from sppl.commands import command
from sppl.data.conversations import final_answer
from sppl.models.target import TargetModel
from sppl.schemas import Asking, Conversation, Identified, Question, UserError, wording
from sppl.stages.leaves import take
from sppl.stages.spending import spent
from sppl.stages.verdicts import verdicts_on
from sppl.strategies.best import best
from sppl.strategies.messages import given
from sppl.strategies.mixture import drawn
from sppl.strategies.recipe import Recipe
from sppl.training.training_settings import Training

log = logging.getLogger(__name__)


def known_responses(store: Store, benchmark: Benchmark, recipe: Recipe, questions: Sequence[Question]) -> pd.DataFrame:
    """The responses in the store to these questions, in their order: `question_id, response` and the `leaf` of each.

    A response belongs to what it was made from: a question's id and wording, and unless it lies in a file by that id
    all else that the question's record says. Where any of it changed it is not found.
    """
    words = (benchmark.name, responses_folder(store, benchmark, recipe))
    parts = [store.read(leaf).assign(leaf=leaf.name) for leaf in store.leaves("responses", *words)]
    if not parts:
        return pd.DataFrame(columns=["question_id", "response", "leaf"], dtype=str)
    found = pd.concat(parts, ignore_index=True).drop_duplicates(["question_id", "question"])
    wanted = _keys(benchmark, recipe, questions)
    return wanted.merge(found, on=["question_id", "question"])[["question_id", "response", "leaf"]]


def leaves_behind(store: Store, found: pd.DataFrame) -> dict[str, str]:
    """Names and digests of the leaves that known responses were read from."""
    return {name: store.digest(store.open(name)) for name in dict.fromkeys(found["leaf"])}


def right_responses(
    store: Store, benchmark: Benchmark, recipe: Recipe, questions: Sequence[Question]
) -> dict[str, bool]:
    """Per question id whether the response in the store is right; what has no verdict yet is judged."""
    found = known_responses(store, benchmark, recipe, questions)
    by_id = {question.id: question for question in questions}
    own = [by_id[id_] for id_ in found["question_id"]]
    whose = (responses_folder(store, benchmark, recipe),)
    texts, inputs = found["response"].tolist(), leaves_behind(store, found)
    said = verdicts_on(store, benchmark, whose, own, texts, inputs, read=final_answer)
    return {question.id: verdict == 1.0 for question, verdict in zip(own, said, strict=True)}


def _keys(benchmark: Benchmark, recipe: Recipe, questions: Sequence[Question]) -> pd.DataFrame:
    """What a response belongs to, per question."""
    whole = _reads_records(benchmark, recipe)
    said = [fingerprint(question if whole else wording(question)) for question in questions]
    return pd.DataFrame({"question_id": [question.id for question in questions], "question": said}, dtype=str)


def _reads_records(benchmark: Benchmark, recipe: Recipe) -> bool:
    """Whether a response may depend on more of a question than its id and wording."""
    if recipe.of:
        return recipe.best is not None or any(_reads_records(benchmark, part) for part in recipe.of.values())
    return bool(recipe.given) or not benchmark.responses.by_id


def begin_responses(store: Store, benchmark: Benchmark, recipe: Recipe, questions: Sequence[Question]) -> None:
    """Hands in the questions that a source answers much later, and does not wait; `make_responses` does."""
    if isinstance(benchmark.responses, Asking) and not recipe.given and not recipe.of:
        with store.lock("responses", benchmark.name, responses_folder(store, benchmark, recipe)):
            known = set(known_responses(store, benchmark, recipe, questions)["question_id"])
            benchmark.responses.begin(recipe, [question for question in questions if question.id not in known])


def make_responses(store: Store, benchmark: Benchmark, recipe: Recipe, questions: Sequence[Question]) -> int:
    """Answers those questions that have no response yet and stores the answers; returns how many."""
    words = (benchmark.name, responses_folder(store, benchmark, recipe))
    with store.lock("responses", *words):
        known = set(known_responses(store, benchmark, recipe, questions)["question_id"])
        missing = [question for question in questions if question.id not in known]
        if not missing:
            return 0
        start = time.perf_counter()
        derived = _derived(store, benchmark, recipe, questions, missing) if recipe.of else None
        made = derived or {"response": _answers(benchmark, recipe, missing)}
        frame = _keys(benchmark, recipe, missing).assign(**made)
        settings = {"of": frame[["question_id", "question"]].to_numpy().tolist()}
        leaf = store.leaf("responses", *words, f"n{len(missing)}", settings=settings)
        source = benchmark.responses
        facts: dict[str, Any] = {"source": "questions" if recipe.given else source.label}
        asked = isinstance(source, Asking) and not recipe.given and not recipe.of
        if derived:
            facts["taken_from"] = {name: derived["taken_from"].count(name) for name in recipe.of}
            log.info("%s: taken from %s", recipe.name, ", ".join(f"{k} {n}" for k, n in facts["taken_from"].items()))
        if asked and isinstance(source, Asking):
            facts["usage"] = dict(source.usage(recipe, missing))
            log.info("%s took, all commands together: %s", recipe.name, spent([facts["usage"]]))
        inputs = _inputs(store, benchmark, recipe, questions)
        store.write(leaf, frame, inputs, time.perf_counter() - start, **facts)
    return len(missing)


def _inputs(store: Store, benchmark: Benchmark, recipe: Recipe, questions: Sequence[Question]) -> dict[str, str]:
    """What responses were made from: other strategies' responses, or the questions and who answered them."""
    found = {f"questions of {benchmark.name}": fingerprint(list(questions))}
    for part in recipe.of.values():
        found |= leaves_behind(store, known_responses(store, benchmark, part, questions))
    if not recipe.of and not recipe.given:
        found[f"{benchmark.responses.label} responses of {recipe.name}"] = fingerprint(_source(benchmark, recipe))
    return found


def _answers(benchmark: Benchmark, recipe: Recipe, questions: list[Question]) -> list[str]:
    """One response per question; a teacher is asked again for wrong ones, `tries` in all.

    A right answer of a later try replaces a wrong one; where none is right the first stays.

    Raises:
        UserError: conversations are to be answered by someone; only files know how they go on.
    """
    talks = [question.id for question in questions if isinstance(question, Conversation)]
    if talks and (recipe.given or not benchmark.responses.by_id):
        raise UserError(
            f"{recipe.name} answers questions, and {len(talks)} of {len(questions)} are conversations, such as "
            f"{talks[0]}; give its responses in files, as conversations too (benchmark.respond=source), or leave "
            f"{recipe.name} out of `strategy`"
        )
    if recipe.given:
        return [given(recipe, question, benchmark.closing(question.answer)) for question in questions]
    source = benchmark.responses
    texts = source.respond(recipe, questions)
    if not isinstance(source, Asking) or recipe.tries < 2:
        return texts
    right = _right(benchmark, questions, texts)
    for attempt in range(1, recipe.tries):
        wrong = [at for at, verdict in enumerate(right) if not verdict]
        if not wrong:
            break
        again = source.respond_again(recipe, [questions[at] for at in wrong], attempt)
        answered = [at for at in wrong if questions[at].id in again]
        later = [again[questions[at].id] for at in answered]
        verdicts = _right(benchmark, [questions[at] for at in answered], later)
        for at, text, verdict in zip(answered, later, verdicts, strict=True):
            if verdict:
                texts[at], right[at] = text, True
    return texts


def _derived(
    store: Store, benchmark: Benchmark, recipe: Recipe, questions: Sequence[Question], missing: Sequence[Question]
) -> dict[str, list]:
    """What `_answers` returns, per missing question as another strategy has it, and its name as `taken_from`.

    Args:
        questions: the benchmark's first ones, those that are missing among them.
    """
    shares = parts_of(recipe, missing if recipe.best is None else questions)
    examples = {name: responses(store, benchmark, recipe.of[name], own) for name, own in shares.items() if own}
    texts = {name: {question.id: text for question, text in pairs} for name, pairs in examples.items()}
    ids = [question.id for question in missing]
    if recipe.best is None:
        names = {id_: drawn(id_, list(recipe.of)) for id_ in ids}
    else:
        known = {name: known_responses(store, benchmark, recipe.of[name], own) for name, own in shares.items()}
        inputs = {name: leaves_behind(store, frame) for name, frame in known.items()}
        values = recipe.best.values(store, benchmark, examples, inputs)
        right = {name: right_responses(store, benchmark, recipe.of[name], own) for name, own in shares.items()}
        names = best(values, right, ids, only_right=recipe.best.only_right)
    return {
        "response": [texts[names[id_]][id_] for id_ in ids],
        "taken_from": [names[id_] for id_ in ids],
    }


def parts_of(recipe: Recipe, questions: Sequence[Question]) -> dict[str, list[Question]]:
    """Which questions a derived strategy needs answers to, of each strategy it takes them from."""
    if recipe.best is not None:
        return {name: list(questions) for name in recipe.of}
    names = list(recipe.of)
    return {name: [question for question in questions if drawn(question.id, names) == name] for name in names}


def _right(benchmark: Benchmark, questions: Sequence[Question], texts: Sequence[str]) -> list[bool]:
    return [verdict == 1.0 for verdict in judge(benchmark.task_file, questions, texts)]


def responses(
    store: Store, benchmark: Benchmark, recipe: Recipe, questions: Sequence[Question]
) -> list[tuple[Question, str]]:
    """Every question with its response; missing ones are made first where the source is free.

    Raises:
        MissingArtefact: responses that cost money are missing; the message is the command that makes them.
    """
    found = known_responses(store, benchmark, recipe, questions)
    if len(found) < len(questions) and (recipe.given or recipe.of or not benchmark.responses.paid):
        make_responses(store, benchmark, recipe, questions)
        found = known_responses(store, benchmark, recipe, questions)
    if len(found) < len(questions):
        raise MissingArtefact(
            f"{len(questions) - len(found)} of {len(questions)} responses of {recipe.name} for {benchmark.name} are "
            "missing; make them: " + command(store.job, "stage=[generate]")
        )
    return list(zip(questions, found["response"], strict=True))


def training_data(
    store: Store, benchmark: Benchmark, recipe: Recipe, training: Training, n_train: int | str
) -> tuple[list[tuple[Question, str]], list[tuple[Question, str]]]:
    """Examples to train on, and those that select the best weights (none where the final ones are kept)."""
    held_out = take(benchmark, "validation", training.n_validation) if training.select == "best" else []
    train = responses(store, benchmark, recipe, take(benchmark, "train", n_train))
    return train, responses(store, benchmark, recipe, held_out) if held_out else []


def training_data_is_there(
    store: Store, benchmark: Benchmark, recipe: Recipe, training: Training, n_train: int | str
) -> bool:
    """Whether `training_data` would find every response in the store."""
    needed = take(benchmark, "train", n_train)
    needed += take(benchmark, "validation", training.n_validation) if training.select == "best" else []
    return len(known_responses(store, benchmark, recipe, needed)) == len(needed)


def sources_of_training(
    store: Store, benchmark: Benchmark, recipe: Recipe, training: Training, n_train: int | str, target: TargetModel
) -> dict[str, str]:
    """Names and digests of what a model is trained from: the responses, and the target itself."""
    needed = take(benchmark, "train", n_train)
    needed += take(benchmark, "validation", training.n_validation) if training.select == "best" else []
    found = leaves_behind(store, known_responses(store, benchmark, recipe, needed))
    return found | {f"target model {target.name}": fingerprint(target.identity)}


def responses_folder(store: Store, benchmark: Benchmark, recipe: Recipe) -> str:
    """The folder of the store's responses by a recipe; another way to make them is another folder."""
    source = benchmark.responses
    if recipe.of:
        said: list[Any] = [responses_folder(store, benchmark, part) for part in recipe.of.values()]
        said += [recipe.best.identity(store, benchmark), benchmark.judge] if recipe.best else []
    elif recipe.given:
        said = [recipe.given, benchmark.final_line]
    else:
        said = [_source(benchmark, recipe)]
        said += [recipe] if isinstance(source, Asking) or not isinstance(source, Identified) else []
        said += [benchmark.judge] if isinstance(source, Asking) and recipe.tries > 1 else []
    return f"{recipe.name}-{fingerprint(said)}"


def _source(benchmark: Benchmark, recipe: Recipe) -> Any:
    """Who answers, as far as it shapes the responses of a recipe."""
    source = benchmark.responses
    return source.identity(recipe) if isinstance(source, Identified) else source
