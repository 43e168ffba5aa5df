"""best_response: scores the candidate responses by any metric of token statistics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sppl.artifacts.code_identity import code_of
from sppl.artifacts.provenance import canonical
from sppl.artifacts.store import Store
from sppl.benchmarks.definition import Benchmark
from sppl.bounds import Count
from sppl.generation.answer import Generator
from sppl.hardware.hardware import Hardware
from sppl.metrics.needs import Metric, TokenStats, own_answers, table_needs
from sppl.models.target import TargetModel
from sppl.prompts import SelfAlignedPrompt
from sppl.schemas import Question, UserError
from sppl.scoring.pool import Pool
from sppl.scoring.scoring_settings import Scoring
from sppl.study.plan import Plan, plan_of, plan_waiting
from sppl.study.predictions import Predictions
from sppl.study.responses import Responses
from sppl.study.study import Study
from sppl.tables.sample import Sample, TableOf, make_tables

ExamplesByStrategy = Mapping[str, Sequence[tuple[Question, str]]]


@dataclass(frozen=True)
class BestByMetric:
    """Scores responses so that the best one can be chosen; the other arguments are those of the stage `score`.

    Args:
        metric: it has a direction and reads token statistics only; perplexity is the loss per token after the question.
        only_right: a wrong response is taken only where no right one can be scored.
    """

    metric: Metric
    target_model: TargetModel
    prompt: SelfAlignedPrompt
    scorer: Scoring
    n_predict: Count
    trainer: Hardware
    generator: Generator
    only_right: bool = True

    def identity(self, store: Store, benchmark: Benchmark) -> Mapping[str, Any]:
        """Returns what the choice depends on, beside the candidates and their verdicts."""
        said = {
            "metric": canonical(self.metric),
            "code": code_of(self.metric),
            "target": self.target_model.identity,
            "scorer": [self.scorer.end, self.scorer.overlong],
            "only_right": self.only_right,
        }
        if own_answers(table_needs([self.metric])):
            predictions = self._predictions(store, benchmark)
            pool = predictions.pool(self.prompt) if predictions.exists else Pool()
            said["pool"] = [canonical(self.prompt), pool.digest]
        return said

    def tables(
        self, store: Store, benchmark: Benchmark, examples: ExamplesByStrategy, inputs: Mapping[str, Mapping[str, str]]
    ) -> list[TableOf]:
        """Returns the tables that the metric reads; the arguments are those of `values`.

        Raises:
            UserError: the metric has no direction or reads more than token statistics.
            MissingArtifact: it shows own answers, and they are missing; the message is the command that makes them.
        """
        needs = self._needs()
        pool = self._predictions(store, benchmark).pool(self.prompt) if own_answers(needs) else Pool()
        sample = self._sample(store, benchmark, examples, pool, inputs)
        return [TableOf(sample, name, need) for name in examples for need in needs]

    def plan(self, candidates: Mapping[str, Responses]) -> Plan:
        """Returns which tables are there and which would be made to choose among these responses."""
        first, needs = next(iter(candidates.values())), self._needs()
        store, benchmark = first.store, first.benchmark
        own = own_answers(needs)
        if all(one.exists for one in candidates.values()) and not (
            own and not self._predictions(store, benchmark).exists
        ):
            examples = {name: one.pairs() for name, one in candidates.items()}
            inputs = {name: one.sources() for name, one in candidates.items()}
            return plan_of(self.tables(store, benchmark, examples, inputs))
        sample = self._sample(store, benchmark, {name: [] for name in candidates}, Pool(), {})
        plans = [
            plan_waiting(
                TokenStats.kind,
                benchmark.name,
                *need.words(sample, name),
                of=[one.awaited, self.target_model.identity, [self.scorer.end, self.scorer.overlong]],
            )
            for name, one in candidates.items()
            for need in needs
        ]
        return sum(plans, Plan((), ()))

    def values(
        self, store: Store, benchmark: Benchmark, examples: ExamplesByStrategy, inputs: Mapping[str, Mapping[str, str]]
    ) -> dict[str, dict[str, float]]:
        """Returns a value per strategy and question id, lower is better; a response that is too long has none.

        Args:
            store: where tables lie.
            benchmark: whose questions are answered.
            examples: per strategy the responses to the benchmark's first questions: a question's place decides which
                own answers it is shown.
            inputs: per strategy names and digests of the artifacts these were read from.

        Raises:
            UserError, MissingArtifact: see `tables`.
        """
        tables = self.tables(store, benchmark, examples, inputs)
        with store.making(*(one.id for one in tables)):
            make_tables(tables)
        found: dict[str, dict[str, float]] = {}
        for name in examples:
            own = [one for one in tables if one.strategy == name]
            found[name] = {}
            if all(one.exists for one in own):  # not where every response was too long
                scores = self.metric.per_example({one.need: one.read() for one in own}).set_index("example_id")["value"]
                ids, sign = scores.index.astype(str), -1.0 if self.metric.higher_is_better else 1.0
                found[name] = dict(zip(ids, (sign * scores).tolist(), strict=True))
        return found

    def _needs(self) -> list[TokenStats]:
        """What the metric reads.

        Raises:
            UserError: the metric has no direction or reads more than token statistics.
        """
        needs = [cast("TokenStats", need) for need in table_needs([self.metric])]
        if any(need.trained or need.kind != TokenStats.kind for need in needs) or (
            self.metric.higher_is_better is None
        ):
            raise UserError(
                f"best_response cannot choose by {self.metric.name}: it needs a metric with a direction that reads "
                "token statistics, e.g. metric@strategy.best_response.best.metric=perplexity"
            )
        return needs

    def _sample(
        self, store: Store, benchmark: Benchmark, examples: ExamplesByStrategy, pool: Pool, inputs: Mapping
    ) -> Sample:
        return Sample(
            store, benchmark.name, self.target_model, examples, pool, self.prompt, self.scorer, self.trainer,
            inputs=inputs,
        )  # fmt: skip

    def _predictions(self, store: Store, benchmark: Benchmark) -> Predictions:
        """The target's own answers to show."""
        return Predictions(Study(store, benchmark, self.target_model, self.generator, self.trainer), self.n_predict)
