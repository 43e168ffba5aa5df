"""The tables that metrics need of every strategy's responses, and the leaves they are kept in."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sppl.artifacts.provenance import fingerprint
from sppl.artifacts.store import Leaf, MissingArtefact, Store
from sppl.benchmarks.benchmark import Benchmark
from sppl.commands import command
from sppl.generation.answer import Generator
from sppl.metrics.needs import Metric, Rewards, ScoredTable, Table, own_answers, scored_needs
from sppl.models.target import TargetModel
from sppl.prompts import SelfAlignedPrompt
from sppl.schemas import Question
from sppl.scoring.scoring_settings import Scoring
from sppl.stages.leaves import predictions_leaf, table_leaf, take
from sppl.stages.pool import Pool, read_pool
from sppl.stages.responses import known_responses, leaves_behind
from sppl.strategies.recipe import Recipe

Examples = Sequence[tuple[Question, str]]
Leaves = dict[tuple[str, ScoredTable], Leaf]
"""One leaf per strategy and table."""
Pieces = Mapping[tuple[str, Table], Sequence[Leaf]]
"""The leaves of every strategy and table that hold it together, in the order of their questions."""


@dataclass(frozen=True)
class Wanted:
    """Which tables are wanted of whose responses, and what else shapes them."""

    store: Store
    benchmark: Benchmark
    target: TargetModel
    metrics: tuple[str, ...]
    """What a user calls the metrics that want them."""
    needs: tuple[ScoredTable, ...]
    examples: Mapping[str, Examples]
    """Per strategy every question with its response."""
    pool: Pool
    prompt: SelfAlignedPrompt
    scorer: Scoring
    compared: tuple[str, ...] = ()
    """The strategies that are ranked, if others are scored as well; none: all are."""
    inputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Per strategy names and digests of the artifacts its responses were read from."""

    def leaves(self, names: Iterable[str] | None = None, start: int = 0, stop: int | None = None) -> Leaves:
        """The leaves of these strategies (None: of all) for the questions `start` to `stop`."""
        beside = [self.examples[name][start:stop] for name in self.compared or self.examples]
        return {
            (name, need): table_leaf(
                self.store, self.benchmark, self.target, strategy=name, need=need, prompt=self.prompt,
                scorer=self.scorer, examples=self.examples[name][start:stop], pool=self.pool, start=start,
                beside=beside,
            )
            for name in (self.examples if names is None else names)
            for need in self.needs
        }  # fmt: skip

    def inputs_of(self, name: str, need: ScoredTable) -> dict[str, str]:
        """Names and digests of what a table of a strategy is made from: artifacts, and the model that reads them."""
        found = dict(self.inputs.get(name, {}))
        if isinstance(need, Rewards):
            return found | {f"reward model {need.model.name}": fingerprint(need.model.identity)}
        found |= self.pool.inputs if own_answers([need]) else {}
        return found | {f"target model {self.target.name}": fingerprint(self.target.identity)}


def known_tables(
    store: Store,
    benchmark: Benchmark,
    target: TargetModel,
    strategy: Mapping[str, Recipe],
    metric: Mapping[str, Metric],
    prompt: SelfAlignedPrompt,
    scorer: Scoring,
    generator: Generator,
    n_predict: int,
    n_score: int,
) -> Wanted:
    """The tables the metrics need of responses that are in the store.

    Raises:
        MissingArtefact: responses, or own answers that are shown, are missing; the message is the command.
    """
    questions = take(benchmark, "train", n_score)
    predictions = predictions_leaf(store, benchmark, target, n_predict, generator)
    needs = scored_needs(metric.values())
    known = {name: known_responses(store, benchmark, recipe, questions) for name, recipe in strategy.items()}
    pooled = store.exists(predictions) or not own_answers(needs)
    missing = [name for name, frame in known.items() if len(frame) < len(questions) or not pooled]
    if missing:
        raise unscored(store, benchmark, target, strategy, missing, scorer)
    pool = Pool((), (), "")
    if own_answers(needs):
        pool = read_pool(store, predictions, benchmark, prompt, take(benchmark, "train", n_predict))
    examples = {name: list(zip(questions, frame["response"], strict=True)) for name, frame in known.items()}
    inputs = {name: leaves_behind(store, frame) for name, frame in known.items()}
    return Wanted(store, benchmark, target, tuple(metric), needs, examples, pool, prompt, scorer, inputs=inputs)


def unscored(
    store: Store, benchmark: Benchmark, target: TargetModel, strategies: Iterable[str], missing: Collection[str],
    scorer: Scoring,
) -> MissingArtefact:  # fmt: skip
    """The error that says which command scores the missing ones of the strategies, or all if they go together."""
    names = [name for name in strategies if scorer.together or name in missing]
    return MissingArtefact(
        f"no scores of {','.join(names)} for {benchmark.name} / {target.name} with these settings; make them: "
        + command(store.job, "stage=[predict,score]")
    )
