"""best_response: how well the target finds the candidates, by any metric of token statistics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sppl.artifacts.code_identity import code_of
from sppl.artifacts.provenance import canonical
from sppl.artifacts.store import Leaf, Store
from sppl.benchmarks.benchmark import Benchmark
from sppl.generation.answer import Generator
from sppl.hardware.hardware import Hardware
from sppl.metrics.needs import Metric, TokenStats, own_answers, table_needs
from sppl.models.target import TargetModel
from sppl.prompts import SelfAlignedPrompt
from sppl.schemas import Question, UserError
from sppl.scoring.scoring_settings import Scoring
from sppl.stages.leaves import predictions_leaf, take
from sppl.stages.pool import Pool, missing_predictions, read_pool
from sppl.stages.scoring import score_leaves
from sppl.stages.tables import Wanted


@dataclass(frozen=True)
class BestByMetric:
    """Values of responses to choose by; the arguments are those of the stage score.

    Args:
        metric: it has a direction and reads token statistics only; perplexity is the loss per token after the question.
        only_right: a wrong response is taken only where no right one can be scored.
    """

    metric: Metric
    target_model: TargetModel
    prompt: SelfAlignedPrompt
    scorer: Scoring
    n_predict: int
    trainer: Hardware
    generator: Generator
    only_right: bool = True

    def identity(self, store: Store, benchmark: Benchmark) -> Mapping[str, Any]:
        """What the choice depends on, beside the candidates and their verdicts."""
        said = {
            "metric": canonical(self.metric),
            "code": code_of(self.metric),
            "target": self.target_model.identity,
            "scorer": [self.scorer.end, self.scorer.overlong],
            "only_right": self.only_right,
        }
        if own_answers(self.metric.needs()):
            said["pool"] = [canonical(self.prompt), self._pool(store, benchmark)[1].digest]
        return said

    def _pool(self, store: Store, benchmark: Benchmark) -> tuple[Leaf, Pool]:
        """The target's own answers to show; an empty pool where they are not there yet."""
        predictions = predictions_leaf(store, benchmark, self.target_model, self.n_predict, self.generator)
        if not store.exists(predictions):
            return predictions, Pool((), (), "")
        questions = take(benchmark, "train", self.n_predict)
        return predictions, read_pool(store, predictions, benchmark, self.prompt, questions)

    def values(
        self,
        store: Store,
        benchmark: Benchmark,
        examples: Mapping[str, Sequence[tuple[Question, str]]],
        inputs: Mapping[str, Mapping[str, str]],
    ) -> dict[str, dict[str, float]]:
        """Per strategy and question id how good a response is, lower is better; one that is too long has no value.

        Args:
            examples: per strategy the responses to the benchmark's first questions: a question's place decides which
                own answers it is shown.
            inputs: per strategy names and digests of the artifacts these were read from.

        Raises:
            UserError: the metric has no direction or reads more than token statistics.
            MissingArtefact: it shows own answers, and they are missing; the message is the command that makes them.
        """
        needs = table_needs([self.metric])
        tokens = [need for need in needs if isinstance(need, TokenStats)]
        if len(tokens) < len(needs) or self.metric.higher_is_better is None:
            raise UserError(
                f"best_response cannot choose by {self.metric.name}: it needs a metric with a direction that reads "
                "token statistics, e.g. metric@strategy.best_response.best.metric=perplexity"
            )
        pool = Pool((), (), "")
        if own_answers(needs):
            predictions, pool = self._pool(store, benchmark)
            if not store.exists(predictions):
                raise missing_predictions(store, predictions, benchmark)
        wanted = Wanted(
            store, benchmark, self.target_model, (self.metric.name,), tuple(tokens), examples, pool, self.prompt,
            self.scorer, inputs=inputs,
        )  # fmt: skip
        leaves = {(name, need): leaf for (name, need), leaf in wanted.leaves().items() if isinstance(need, TokenStats)}
        with store.making(*leaves.values()):
            score_leaves(
                store, self.target_model, leaves, examples, pool, prompt=self.prompt, scorer=self.scorer,
                trainer=self.trainer, inputs_of=wanted.inputs_of,
            )  # fmt: skip
        found: dict[str, dict[str, float]] = {}
        for name in examples:
            if all(store.exists(leaves[name, need]) for need in tokens):  # not where every response was too long
                tables = {need: store.read(leaves[name, need]).assign(strategy=name) for need in tokens}
                scores = self.metric.per_example(tables).set_index("example_id")["value"]
                ids, sign = scores.index.astype(str), -1.0 if self.metric.higher_is_better else 1.0
                found[name] = dict(zip(ids, (sign * scores).tolist(), strict=True))
            else:
                found[name] = {}
        return found
