"""Verdicts on answers, artifacts of their own: a corrected gold answer or rule judges old answers anew."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import pandas as pd

from sppl.artifacts.provenance import fingerprint
from sppl.artifacts.store import Store
from sppl.benchmarks.definition import Benchmark
from sppl.benchmarks.harness import judge
from sppl.schemas import Question

KEYS = ["question_id", "question", "answer"]


@dataclass(frozen=True)
class Verdicts:
    """The verdicts of a benchmark's rule on one text per question; several artifacts may hold them together.

    A verdict belongs to a text, the whole record of its question, and the rule with its code: where one of them
    changed, the text is judged again.

    Args:
        store: where they lie.
        benchmark: has the rule; without one every text counts as right.
        whose: a word in the names of the verdicts, e.g. a strategy's.
        questions: one question per text.
        texts: the texts to judge.
        parents: names and digests of the artifacts the texts are from.
        read: returns the part of a text that is judged.
    """

    store: Store
    benchmark: Benchmark
    whose: str
    questions: Sequence[Question]
    texts: Sequence[str]
    parents: Mapping[str, str]
    read: Callable[[Question, str], str] = lambda _, text: text

    @property
    def words(self) -> tuple[str, ...]:
        """The words that their names begin with."""
        return self.benchmark.name, self.benchmark.judge, self.whose

    def correct(self) -> list[float]:
        """Returns 1.0 (right) or 0.0 (wrong) per text; new verdicts are kept unless the store is read only."""
        if not self.benchmark.judged:
            return [1.0] * len(self.texts)
        found = self._wanted().merge(self._known(), how="left")
        if found["correct"].isna().any():
            with nullcontext() if self.store.read_only else self.store.lock("verdicts", *self.words):
                found = self._wanted().merge(self._known(), how="left")
                todo = [at for at, known in enumerate(found["correct"].notna()) if not known]
                if todo:
                    start, asked = time.perf_counter(), [self.questions[at] for at in todo]
                    shown = [self.read(self.questions[at], self.texts[at]) for at in todo]
                    found.loc[todo, "correct"] = judge(self.benchmark.task_file, asked, shown)
                    if not self.store.read_only:
                        self._keep(found.loc[todo], asked, time.perf_counter() - start)
        return found["correct"].astype(float).tolist()

    def sources(self) -> dict[str, str]:
        """Returns names and digests of the artifacts that hold them, as far as they exist."""
        if not self.benchmark.judged:
            return {}
        found = self._wanted().merge(self._known())
        return {name: self.store.digest(self.store.open(name)) for name in dict.fromkeys(found["artifact"])}

    def _wanted(self) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "question_id": [question.id for question in self.questions],
                "question": [fingerprint(question) for question in self.questions],
                "answer": [fingerprint(text) for text in self.texts],
            },
            dtype=str,
        )

    def _known(self) -> pd.DataFrame:
        """All verdicts under these words, with the artifact each is from."""
        there = self.store.artifacts("verdicts", *self.words)
        parts = [self.store.read(one).assign(artifact=one.name) for one in there]
        if not parts:
            return pd.DataFrame(columns=[*KEYS, "correct", "artifact"], dtype=str).astype({"correct": float})
        return pd.concat(parts, ignore_index=True).drop_duplicates(KEYS)

    def _keep(self, found: pd.DataFrame, asked: Sequence[Question], seconds: float) -> None:
        frame = found[KEYS].assign(correct=found["correct"].astype(float))
        settings = {"answers": fingerprint(frame[KEYS].to_numpy().tolist())}
        sources = {f"questions of {self.benchmark.name}": fingerprint(asked), "judge": self.benchmark.judge}
        artifact = self.store.artifact_id("verdicts", *self.words, f"n{len(frame)}", settings=settings)
        self.store.write(artifact, frame, {**self.parents, **sources}, seconds)
