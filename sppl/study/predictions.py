"""Predictions: the target's own answers to training questions, and the example pool made of them."""

import logging
import time
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd

from sppl.artifacts.once import once
from sppl.artifacts.provenance import canonical, fingerprint
from sppl.artifacts.store import ArtifactId, MissingArtifact
from sppl.benchmarks.splits import take
from sppl.commands import command
from sppl.generation.answer import keep_answered, prompts_of
from sppl.prompts import SelfAlignedPrompt
from sppl.schemas import Question
from sppl.scoring.pool import Pool
from sppl.study.study import Study
from sppl.study.verdicts import Verdicts

log = logging.getLogger(__name__)

UNJUDGED = "no gold answers: the target's own answers are shown unjudged"


@dataclass(frozen=True)
class Predictions:
    """Answers of the untrained target to the first `n` training questions, greedy or as `benchmark.sampling` says."""

    study: Study
    n: int

    @once
    def questions(self) -> list[Question]:
        """Returns the questions that are answered."""
        return take(self.study.benchmark, "train", self.n)

    @once
    def id(self) -> ArtifactId:
        benchmark = self.study.benchmark
        settings = {
            "target": self.study.target.identity,
            "questions": digest_of_prompts(self.questions),
            "max_new_tokens": benchmark.max_new_tokens,
            "decoding": canonical(benchmark.sampling) if benchmark.sampling else "greedy",
            **self.study.generator.identity,
            **self.study.skipping,
        }
        return self.study.store.artifact_id("predictions", *self.study.words, f"n{self.n}", settings=settings)

    @property
    def exists(self) -> bool:
        return self.study.store.exists(self.id)

    def inputs(self) -> dict[str, str]:
        return questions_source(self.study, self.questions) | self.study.target_source

    def make(self) -> None:
        start, study, benchmark = time.perf_counter(), self.study, self.study.benchmark
        answers = study.generator.open(study.target, study.hardware, study.store.parts(self.id))
        made = answers.answer(
            prompts_of(self.questions), max_new_tokens=benchmark.max_new_tokens, sampling=benchmark.sampling,
            overlong=benchmark.overlong, what="predict",
        )  # fmt: skip
        questions, made, left_out = keep_answered(self.questions, made, "predict")
        ids = [question.id for question in questions]
        frame = pd.DataFrame({"question_id": ids, "prediction": [answer.text for answer in made]})
        notes = {"cut": sum(not one.ended for one in made), "overlong": left_out, **answers.facts()}
        study.store.write(self.id, frame, self.inputs(), time.perf_counter() - start, **notes)
        study.store.clear_parts(self.id)

    def judged(self) -> tuple[list[tuple[Question, str]], list[bool], dict[str, str]]:
        """Returns the answers, whether each is right, and the artifacts both were read from, with their digests."""
        store = self.study.store
        frame, known = store.read(self.id), {question.id: question for question in self.questions}
        pairs = [(known[id_], text) for id_, text in zip(frame["question_id"], frame["prediction"], strict=True)]
        parents = {self.id.name: store.digest(self.id)}
        asked, texts = [question for question, _ in pairs], [text for _, text in pairs]
        verdicts = Verdicts(store, self.study.benchmark, self.study.target.name, asked, texts, parents)
        right = [one == 1.0 for one in verdicts.correct()]
        return pairs, right, parents | verdicts.sources()

    def pool(self, prompt: SelfAlignedPrompt) -> Pool:
        """Returns the pool of correct answers, each closed by the benchmark's final line if wanted.

        Where none is correct, the prompt's fallback takes their place; of a benchmark that judges nothing all are
        taken. The pool's note says so.

        Raises:
            MissingArtifact: there are no answers; the message is the command that makes them.
        """
        benchmark = self.study.benchmark
        if not self.exists:
            raise self.missing()
        pairs, right, inputs = self.judged()
        if any(right) or not benchmark.judged:
            kept = [pair for pair, verdict in zip(pairs, right, strict=True) if verdict]
            closed = [text + (benchmark.closing(one.answer) if prompt.final_line else "") for one, text in kept]
            note = "" if benchmark.judged else UNJUDGED
            return Pool(tuple(question.id for question, _ in kept), tuple(closed), note, inputs)
        shown = prompt.fallback == "unfiltered"
        note = f"none of the target's {len(pairs)} own answers is correct: "
        note += "unfiltered ones were shown" if shown else "scored without examples"
        store = self.study.store
        where = f" (prompt.fallback={prompt.fallback}; store {store.root})" if store.typed else ""
        _warn_once(store.root, f"{self.id.name}: {note}{where}")
        kept = pairs if shown else []
        return Pool(tuple(question.id for question, _ in kept), tuple(text for _, text in kept), note, inputs)

    def missing(self) -> MissingArtifact:
        """Returns the error whose message is the command that makes the answers."""
        benchmark, target = self.study.words
        return MissingArtifact(
            f"no predictions of {target} for {benchmark}; make them: "
            + command(self.study.store.job, "stage=[predict]")
        )


@lru_cache(maxsize=256)
def _warn_once(_store: str, note: str) -> None:
    """Logs a note once per store, as several stages of a command read the same pool."""
    log.warning(note)


def digest_of_prompts(questions: list[Question]) -> str:
    """Returns a digest of the questions' ids, wording and order; gold answers do not count."""
    return fingerprint([[prompt.id, list(prompt.messages)] for prompt in prompts_of(questions)])


def questions_source(study: Study, questions: list[Question]) -> dict[str, str]:
    """Returns the questions as one of the inputs of artifacts: their name and digest."""
    return {f"questions of {study.benchmark.name}": fingerprint(questions)}
