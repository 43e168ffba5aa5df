"""The responses of a strategy, read from the store or made."""

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
from sppl.schemas import Identified, PaidSource, Question, question_wording
from sppl.strategies.recipe import Recipe
from sppl.study.derived import derive
from sppl.study.respond import respond
from sppl.study.spending import describe_spending
from sppl.study.verdicts import Verdicts

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Responses:
    """A strategy's responses to some questions; several artifacts of one folder may hold them together.

    A response belongs to what it was made from: the question's id and wording and, unless it lies in a file under that
    id, everything else in the question's record. Where any of it changed, the response is not found.

    Args:
        store: where they lie.
        benchmark: has the source of responses.
        recipe: how the strategy's responses come about.
        questions: the questions to be answered, the benchmark's first ones.
    """

    store: Store
    benchmark: Benchmark
    recipe: Recipe
    questions: Sequence[Question]

    @once
    def folder(self) -> str:
        """The folder of the store for responses by this recipe; another recipe or source has another folder."""
        return responses_folder(self.store, self.benchmark, self.recipe)

    @property
    def awaited(self) -> list[Any]:
        """What tells these responses from others while some are missing."""
        return [self.folder, [question.id for question in self.questions]]

    @property
    def exists(self) -> bool:
        """Whether the store has a response to every question."""
        return not self.missing()

    def known(self) -> pd.DataFrame:
        """Returns the responses in the store, in the questions' order: `question_id, response, artifact`."""
        there = self.store.artifacts("responses", self.benchmark.name, self.folder)
        parts = [self.store.read(one).assign(artifact=one.name) for one in there]
        if not parts:
            return pd.DataFrame(columns=["question_id", "response", "artifact"], dtype=str)
        found = pd.concat(parts, ignore_index=True).drop_duplicates(["question_id", "question"])
        wanted = self._keys(self.questions)
        return wanted.merge(found, on=["question_id", "question"])[["question_id", "response", "artifact"]]

    def missing(self) -> list[Question]:
        """Returns the questions that have no response in the store."""
        known = set(self.known()["question_id"])
        return [question for question in self.questions if question.id not in known]

    def sources(self) -> dict[str, str]:
        """Returns names and digests of the artifacts that hold the known responses."""
        return {name: self.store.digest(self.store.open(name)) for name in dict.fromkeys(self.known()["artifact"])}

    def pairs(self) -> list[tuple[Question, str]]:
        """Returns every question with its response; missing ones are made first where that costs nothing.

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
        """Returns per question id whether the response in the store is right; unjudged ones are judged first."""
        found, by_id = self.known(), {question.id: question for question in self.questions}
        own, texts = [by_id[id_] for id_ in found["question_id"]], found["response"].tolist()
        verdicts = Verdicts(self.store, self.benchmark, self.folder, own, texts, self.sources(), final_answer)
        return {question.id: verdict == 1.0 for question, verdict in zip(own, verdicts.correct(), strict=True)}

    def begin(self) -> None:
        """Hands questions to a source that answers in batches, without waiting; `make` waits for the answers."""
        source = self.benchmark.responses
        if isinstance(source, PaidSource) and not self.recipe.given and not self.recipe.of:
            with self.store.lock("responses", self.benchmark.name, self.folder):
                source.begin(self.recipe, self.missing())

    def parts(self) -> dict[str, "Responses"]:
        """Returns, for a derived strategy, the responses of the strategies it takes its own from."""
        return {name: replace(self, recipe=part) for name, part in self.recipe.of.items()}

    def inputs(self) -> dict[str, str]:
        """Returns what they are made from: other strategies' responses, or the questions and the source."""
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
        """Facts for the provenance: who wrote them, and what that took."""
        recipe, source = self.recipe, self.benchmark.responses
        facts: dict[str, Any] = {"source": "questions" if recipe.given else source.label}
        if recipe.of:
            facts["taken_from"] = {name: taken_from.count(name) for name in recipe.of}
            log.info("%s: taken from %s", recipe.name, ", ".join(f"{k} {n}" for k, n in facts["taken_from"].items()))
        elif isinstance(source, PaidSource) and not recipe.given:
            facts["usage"] = dict(source.usage(recipe, missing))
            log.info("%s took, all commands together: %s", recipe.name, describe_spending([facts["usage"]]))
        return facts

    def _keys(self, questions: Sequence[Question]) -> pd.DataFrame:
        """The key columns of a response, one row per question."""
        whole = _reads_records(self.benchmark, self.recipe)
        said = [fingerprint(question if whole else question_wording(question)) for question in questions]
        return pd.DataFrame({"question_id": [question.id for question in questions], "question": said}, dtype=str)


def responses_folder(store: Store, benchmark: Benchmark, recipe: Recipe) -> str:
    """Returns the folder of the store for responses by a recipe."""
    source = benchmark.responses
    if recipe.of:
        said: list[Any] = [responses_folder(store, benchmark, part) for part in recipe.of.values()]
        said += [recipe.best.identity(store, benchmark), benchmark.judge] if recipe.best else []
    elif recipe.given:
        said = [recipe.given, benchmark.final_line]
    else:
        said = [_source(benchmark, recipe)]
        said += [recipe] if isinstance(source, PaidSource) or not isinstance(source, Identified) else []
        said += [benchmark.judge] if isinstance(source, PaidSource) and recipe.tries > 1 else []
    return f"{recipe.name}-{fingerprint(said)}"


def _source(benchmark: Benchmark, recipe: Recipe) -> Any:
    """The identity of the source, as far as it shapes the responses of a recipe."""
    source = benchmark.responses
    return source.identity(recipe) if isinstance(source, Identified) else source


def _reads_records(benchmark: Benchmark, recipe: Recipe) -> bool:
    """Whether a response may depend on more of a question than its id and wording."""
    if recipe.of:
        return recipe.best is not None or any(_reads_records(benchmark, part) for part in recipe.of.values())
    return bool(recipe.given) or not benchmark.responses.by_id
