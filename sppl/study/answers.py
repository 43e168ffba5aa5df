"""The answers of a trained model, or of the untrained target, to the questions of a split, and their verdicts."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sppl.analysis.outcomes import UNTRAINED
from sppl.artifacts.once import once
from sppl.artifacts.provenance import fingerprint
from sppl.artifacts.store import ArtifactId
from sppl.generation.answer import keep_answered, prompts_of
from sppl.schemas import Question, Split
from sppl.study.adapters import Adapter
from sppl.study.predictions import digest_of_prompts, questions_source
from sppl.study.study import Study, describe_origin
from sppl.study.verdicts import Verdicts


@dataclass(frozen=True)
class Model:
    """A model that is measured: the target with a strategy's adapter, or without any.

    Args:
        study: has the target.
        adapter: of a strategy; None for the untrained target, which is measured once for all seeds.
    """

    study: Study
    adapter: Adapter | None = None

    @property
    def strategy(self) -> str:
        """The strategy's name in tables; `untrained` for the target as it is."""
        return self.adapter.strategy if self.adapter else UNTRAINED

    @property
    def words(self) -> tuple[str, ...]:
        """The words that the names of its answers begin with."""
        return *self.study.words, self.strategy

    @property
    def seed(self) -> str:
        """The word in names that tells its seed."""
        return self.adapter.id.words[-1] if self.adapter else "all_seeds"

    @property
    def ready(self) -> bool:
        """Whether the model lies in the store; the untrained target is always ready."""
        return not self.adapter or (self.adapter.ready and self.adapter.exists)

    @property
    def facts(self) -> dict[str, Any]:
        """The settings of its training, for tables."""
        return self.adapter.facts if self.adapter else {"setup": {}, "seed": 0}

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that its answers depend on beside the questions."""
        return {"target": self.study.target.identity, "adapter": describe_origin(self.study.store, self.adapter)}

    def sources(self) -> dict[str, str]:
        """Returns the names of what the model is made of, with their digests."""
        own = {self.adapter.id.name: self.study.store.digest(self.adapter.id)} if self.adapter else {}
        return own | self.study.target_source

    def folder(self) -> Any:
        """Returns the folder of its adapter, once that was found whole; None for the untrained target."""
        return self.study.store.whole(self.adapter.id) if self.adapter else None


@dataclass(frozen=True)
class Answers:
    """The greedy answers of a model to questions of a split."""

    model: Model
    questions: list[Question]
    split: Split = "test"

    @once
    def id(self) -> ArtifactId:
        study = self.model.study
        settings = {
            **self.model.settings,
            "questions": digest_of_prompts(self.questions),
            "max_new_tokens": study.benchmark.max_new_tokens,
            **study.generator.identity,
            **study.skipping,
        }
        return study.store.artifact_id("answers", *self.model.words, self.model.seed, settings=settings)

    @property
    def exists(self) -> bool:
        return self.model.study.store.exists(self.id)

    @property
    def facts(self) -> dict[str, Any]:
        """The model's settings for tables, with the split where that is not the test's."""
        return self.model.facts | ({} if self.split == "test" else {"split": self.split})

    def inputs(self) -> dict[str, str]:
        return self.model.sources() | questions_source(self.model.study, self.questions)

    def make(self) -> None:
        start, study, what = time.perf_counter(), self.model.study, f"benchmark {self.model.strategy}"
        answering = study.generator.open(study.target, study.hardware, study.store.parts(self.id))
        made = answering.answer(
            prompts_of(self.questions), max_new_tokens=study.benchmark.max_new_tokens, trained=self.model.folder(),
            overlong=study.benchmark.overlong, what=what,
        )  # fmt: skip
        questions, made, left_out = keep_answered(self.questions, made, what)
        frame = pd.DataFrame({"question_id": [q.id for q in questions], "answer": [one.text for one in made]})
        said = {"cut": sum(not one.ended for one in made), "overlong": left_out, **answering.facts()}
        study.store.write(self.id, frame, self.inputs(), time.perf_counter() - start, **said, **self.facts)
        study.store.clear_parts(self.id)


@dataclass(frozen=True)
class Results:
    """Verdicts of the benchmark's rule on a model's answers; their name is known once the answers exist.

    They depend on the answers, on all that the questions' records say, and on the rule with its code.
    """

    answers: Answers

    @once
    def id(self) -> ArtifactId:
        study, answers = self.answers.model.study, self.answers
        settings = {
            "answers": describe_origin(study.store, answers),
            "questions": fingerprint(answers.questions),
            "judge": study.benchmark.judge,
        }
        return study.store.artifact_id("results", *answers.id.words, settings=settings)

    @property
    def exists(self) -> bool:
        return self.answers.model.study.store.exists(self.id)

    @property
    def accuracy(self) -> float:
        """The share of right answers, a fraction; the results have to exist."""
        return self.answers.model.study.store.provenance(self.id)["accuracy"]

    def inputs(self) -> dict[str, str]:
        return self._parents | self._verdicts.sources()

    def make(self) -> None:
        start, store = time.perf_counter(), self.answers.model.study.store
        frame = self._frame.assign(correct=self._verdicts.correct())
        said = {key: value for key, value in store.provenance(self.answers.id).items() if key in ("cut", "overlong")}
        said |= {"accuracy": float(frame["correct"].mean()), **self.answers.facts}
        store.write(self.id, frame, self.inputs(), time.perf_counter() - start, **said)

    @property
    def _parents(self) -> dict[str, str]:
        return {self.answers.id.name: self.answers.model.study.store.digest(self.answers.id)}

    @once
    def _frame(self) -> pd.DataFrame:
        return self.answers.model.study.store.read(self.answers.id)

    @once
    def _verdicts(self) -> Verdicts:
        study, frame = self.answers.model.study, self._frame
        by_id = {question.id: question for question in self.answers.questions}
        own: Sequence[Question] = [by_id[id_] for id_ in frame["question_id"]]
        whose = "_".join(("results", *self.answers.id.words[1:]))
        return Verdicts(study.store, study.benchmark, whose, own, frame["answer"].tolist(), self._parents)
