"""The responses of a strategy: read from the store, and made where making them costs nothing."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from sppl.artifacts.once import once
from sppl.artifacts.provenance import fingerprint
from sppl.artifacts.store import MissingArtifact, Store
from sppl.benchmarks.definition import Benchmark
from sppl.commands import command
from sppl.data.conversations import final_answer
from sppl.schemas import Asking, Identified, Question, wording
from sppl.strategies.recipe import Recipe
from sppl.study.derived import derive
from sppl.study.respond import respond
from sppl.study.spending import spent
from sppl.study.verdicts import Verdicts

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Responses:
    """A strategy's responses to some questions; several artifacts of one folder may hold them together.

    A response belongs to what it was made from: a question's id and wording, and unless it lies in a file by that id
    all else that the question's record says. Where any of it changed it is not found.

    Args:
        store: where they lie.
        benchmark: whose source answers.
        recipe: of the strategy.
        questions: to be answered, the benchmark's first ones.
    """

    store: Store
    benchmark: Benchmark
    recipe: Recipe
    questions: Sequence[Question]

    @once
    def folder(self) -> str:
        """The folder of the store's responses by this recipe; another way to make them is another folder."""
        return responses_folder(self.store, self.benchmark, self.recipe)

    @property
    def awaited(self) -> list[Any]:
        """What tells them from others while they are missing: whose, and to which questions."""
        return [self.folder, [question.id for question in self.questions]]

    @property
    def exists(self) -> bool:
        """Whether the store has a response to every question."""
        return not self.missing()

    def known(self) -> pd.DataFrame:
        """Those in the store, in the order of the questions: `question_id, response` and the `artifact` of each."""
        there = self.store.artifacts("responses", self.benchmark.name, self.folder)
        parts = [self.store.read(one).assign(artifact=one.name) for one in there]
        if not parts:
            return pd.DataFrame(columns=["question_id", "response", "artifact"], dtype=str)
        found = pd.concat(parts, ignore_index=True).drop_duplicates(["question_id", "question"])
        wanted = self._keys(self.questions)
        return wanted.merge(found, on=["question_id", "question"])[["question_id", "response", "artifact"]]

    def missing(self) -> list[Question]:
        """The questions that have no response in the store."""
        known = set(self.known()["question_id"])
        return [question for question in self.questions if question.id not in known]

    def sources(self) -> dict[str, str]:
        """Names and digests of the artifacts that hold the known ones."""
        return {name: self.store.digest(self.store.open(name)) for name in dict.fromkeys(self.known()["artifact"])}

    def pairs(self) -> list[tuple[Question, str]]:
        """Every question with its response; missing ones are made first where the source is free.

        Raises:
            MissingArtifact: responses that cost money are missing; the message is the command that makes them.
        """
        found = self.known()
        if len(found) < len(self.questions) and (
            self.recipe.given or self.recipe.of or not self.benchmark.responses.paid
        ):
            self.make()
            found = self.known()
        if len(found) < len(self.questions):
            name, where = self.recipe.name, self.benchmark.name
            raise MissingArtifact(
                f"{len(self.questions) - len(found)} of {len(self.questions)} responses of {name} for {where} are "
                "missing; make them: " + command(self.store.job, "stage=[generate]")
            )
        return list(zip(self.questions, found["response"], strict=True))

    def right(self) -> dict[str, bool]:
        """Per question id whether the response in the store is right; what has no verdict yet is judged."""
        found, by_id = self.known(), {question.id: question for question in self.questions}
        own, texts = [by_id[id_] for id_ in found["question_id"]], found["response"].tolist()
        verdicts = Verdicts(self.store, self.benchmark, self.folder, own, texts, self.sources(), final_answer)
        return {question.id: verdict == 1.0 for question, verdict in zip(own, verdicts.correct(), strict=True)}

    def begin(self) -> None:
        """Hands in the questions that a source answers much later, and does not wait; `make` does."""
        source = self.benchmark.responses
        if isinstance(source, Asking) and not self.recipe.given and not self.recipe.of:
            with self.store.lock("responses", self.benchmark.name, self.folder):
                source.begin(self.recipe, self.missing())

    def parts(self) -> dict[str, "Responses"]:
        """Of a derived strategy, the responses that it takes its own from."""
        return {name: replace(self, recipe=part) for name, part in self.recipe.of.items()}

    def inputs(self) -> dict[str, str]:
        """What they are made from: other strategies' responses, or the questions and who answers them."""
        found = {f"questions of {self.benchmark.name}": fingerprint(list(self.questions))}
        for part in self.parts().values():
            found |= part.sources()
        if not self.recipe.of and not self.recipe.given:
            source = f"{self.benchmark.responses.label} responses of {self.recipe.name}"
            found[source] = fingerprint(_source(self.benchmark, self.recipe))
        return found

    def make(self) -> int:
        """Answers the questions that have no response yet and stores the answers; returns how many."""
        words = (self.benchmark.name, self.folder)
        with self.store.lock("responses", *words):
            missing = self.missing()
            if missing:
                start = time.perf_counter()
                made = derive(self, missing) if self.recipe.of else respond(self.benchmark, self.recipe, missing)
                frame = self._keys(missing).assign(**made)
                settings = {"of": frame[["question_id", "question"]].to_numpy().tolist()}
                artifact = self.store.artifact_id("responses", *words, f"n{len(missing)}", settings=settings)
                facts = self._facts(missing, made.get("taken_from", []))
                self.store.write(artifact, frame, self.inputs(), time.perf_counter() - start, **facts)
        return len(missing)

    def _facts(self, missing: list[Question], taken_from: Sequence[str]) -> dict[str, Any]:
        """What is said beside them: who wrote them, and what that took."""
        recipe, source = self.recipe, self.benchmark.responses
        facts: dict[str, Any] = {"source": "questions" if recipe.given else source.label}
        if recipe.of:
            facts["taken_from"] = {name: taken_from.count(name) for name in recipe.of}
            log.info("%s: taken from %s", recipe.name, ", ".join(f"{k} {n}" for k, n in facts["taken_from"].items()))
        elif isinstance(source, Asking) and not recipe.given:
            facts["usage"] = dict(source.usage(recipe, missing))
            log.info("%s took, all commands together: %s", recipe.name, spent([facts["usage"]]))
        return facts

    def _keys(self, questions: Sequence[Question]) -> pd.DataFrame:
        """What a response belongs to, per question."""
        whole = _reads_records(self.benchmark, self.recipe)
        said = [fingerprint(question if whole else wording(question)) for question in questions]
        return pd.DataFrame({"question_id": [question.id for question in questions], "question": said}, dtype=str)


def responses_folder(store: Store, benchmark: Benchmark, recipe: Recipe) -> str:
    """The folder of the store's responses by a recipe."""
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


def _reads_records(benchmark: Benchmark, recipe: Recipe) -> bool:
    """Whether a response may depend on more of a question than its id and wording."""
    if recipe.of:
        return recipe.best is not None or any(_reads_records(benchmark, part) for part in recipe.of.values())
    return bool(recipe.given) or not benchmark.responses.by_id
