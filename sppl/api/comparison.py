"""Compares strategies whose responses are given, by the stages that the command runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any, Literal, cast, get_args

import pandas as pd

from sppl.api.configured import configured, names_in, settings_of
from sppl.api.given import Given
from sppl.api.memory import MemoryStore
from sppl.benchmarks.definition import Benchmark
from sppl.bounds import Count, fits
from sppl.generation.local import LocalGenerator
from sppl.hardware.hardware import Hardware
from sppl.metrics.needs import Metric, own_answers, table_needs, tables_of
from sppl.models.own_folder import read_own_model
from sppl.models.target import TargetModel, TemplateKind, forget_changed_targets
from sppl.schemas import UserError
from sppl.scoring.scoring_settings import Scoring
from sppl.stages.predict import predict
from sppl.stages.rank import rank
from sppl.stages.score import score
from sppl.strategies.recipe import Recipe
from sppl.study.plan import ranking_of

Kind = Literal["text", "number", "choice"]
Overlong = Literal["refuse", "skip", "truncate_left"]
Accelerator = Literal["auto", "cpu", "gpu"]


@dataclass(frozen=True)
class Comparison:
    """A comparison of strategies for one target by some metrics.

    Args:
        given: questions and responses.
        target: the model that scores them.
        metrics: the metrics to compare by.
        answer: the kind of answer.
        n_predict: questions the target answers itself, at most.
        n_score: questions whose responses are scored; None for all.
        max_new_tokens: the longest own answer; None: as the command's for own files.
        overlong: what happens to what does not fit into the target's context.
        hardware: the devices that do the work.

    Raises:
        UserError: a number or a word is none of those there are.
    """

    given: Given
    target: TargetModel
    metrics: Sequence[Metric]
    answer: Kind
    n_predict: int
    n_score: int | None
    max_new_tokens: int | None
    overlong: Overlong
    hardware: Hardware

    def __post_init__(self) -> None:
        for name, kind in (("answer", Kind), ("overlong", Overlong)):
            if getattr(self, name) not in get_args(kind):
                raise UserError(f"{name}={getattr(self, name)!r}: there are {', '.join(get_args(kind))}")
        for name in ("n_predict", "n_score", "max_new_tokens"):
            if not fits(number := getattr(self, name), Count | None):
                raise UserError(f"{name}={number!r}: a whole number above 0 is wanted")
        if self.n_score is not None and self.n_score > (count := len(self.given.asked)):
            raise UserError(
                f"n_score={self.n_score}, and every strategy answers {count} questions; n_score={count} or less, or "
                "n_score=None, which scores them all"
            )

    @property
    def benchmark(self) -> Benchmark:
        """The given questions as a benchmark of the user's own (`benchmark=local`)."""
        like = settings_of("benchmark", "local")
        final_line = like["final_line"] if self.given.judged else ""
        task = f"local_{self.answer}" if self.given.judged else ""
        longest = self.max_new_tokens or like["max_new_tokens"]
        overlong: Any = "refuse" if self.overlong == "refuse" else "skip"
        return Benchmark("given", self.given, self.given, task, longest, final_line, overlong=overlong)

    def score(self, store: MemoryStore) -> None:
        """Makes the tables that the metrics need of every response."""
        if own_answers(table_needs(self.metrics)):
            self._predict(store)
        score(**self._arguments, trainer=self.hardware, store=store)

    def rank(self, store: MemoryStore) -> pd.DataFrame:
        """Returns the ranking by tables that were made before, best first."""
        plan = rank(**self._arguments, store=store)
        ranking = store.read(store.open(ranking_of(plan)))
        notes = {metric.name: self._notes(metric) for metric in self.metrics}
        said = zip(ranking["note"], ranking["metric"].map(notes), strict=True)
        return ranking.assign(note=["; ".join(filter(None, [first, *further])) for first, further in said])

    @property
    def _arguments(self) -> dict[str, Any]:
        """The arguments that the stages `score` and `rank` share."""
        count = len(self.given.asked)
        return {
            "benchmark": self.benchmark,
            "target_model": self.target,
            "strategy": {name: Recipe(name, "given") for name in self.given.responses},
            "metric": {metric.name: metric for metric in self.metrics},
            "prompt": configured("prompt", "default"),
            "scorer": Scoring(overlong="error" if self.overlong == "refuse" else self.overlong),
            "generator": LocalGenerator(),
            "n_predict": min(self.n_predict, count),
            "n_score": count if self.n_score is None else self.n_score,
        }

    def _predict(self, store: MemoryStore) -> None:
        """Makes the target's own answers, judged where there are gold answers."""
        names = ("benchmark", "target_model", "n_predict", "generator")
        predict(**{name: self._arguments[name] for name in names}, trainer=self.hardware, store=store)

    def _notes(self, metric: Metric) -> list[str]:
        lost = len(self.given.left_out)
        return [f"{lost} questions left out: not answered by every strategy"] if lost else []


def resolve_metrics(metrics: Sequence[str | Metric]) -> list[Metric]:
    """Returns the metrics; those given by name have the defaults of their files.

    Raises:
        UserError: a name is unknown, there is none, or one needs models that are trained.
    """
    found: list[Metric] = []
    for one in [metrics] if isinstance(metrics, str) else metrics:
        found.append(configured("metric", one) if isinstance(one, str) else one)
    if not found:
        raise UserError(f"no metric to compare by; there are {', '.join(names_in('metric'))}")
    if trained := [one.name for one in found if any(need.trained for need in tables_of(one))]:
        raise UserError(
            f"{', '.join(trained)}: reads results of training, which only the command makes (docs/own_data.md)"
        )
    return found


def resolve_target(target: str | PathLike[str] | TargetModel) -> TargetModel:
    """Returns the target model, by its name in the group `target_model`, or by a path or hub id.

    What an earlier call of this process keeps of a folder that has changed since is forgotten.

    Raises:
        UserError: it is something else, such as a model that was loaded already.
    """
    forget_changed_targets()
    if isinstance(target, TargetModel):
        return target
    if not isinstance(target, str | PathLike):
        raise UserError(
            f"target is a {type(target).__name__}; give a name, a folder or a hub id (a model that is loaded: "
            'model.save_pretrained("FOLDER") and tokenizer.save_pretrained("FOLDER"), then "FOLDER")'
        )
    target = fspath(target)
    if target in names_in("target_model"):
        return configured("target_model", target)
    name, dtype, template = (read_own_model(what, target) for what in ("name", "dtype", "template"))
    return TargetModel(name, target, dtype=dtype, template=cast("TemplateKind", template))
