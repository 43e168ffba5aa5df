"""The tables that metrics need of every strategy's responses."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sppl.artifacts.store import MissingArtifact
from sppl.benchmarks.splits import take
from sppl.commands import command
from sppl.metrics.needs import Known, Metric, Table, own_answers, scored_needs
from sppl.schemas import Question, UserError
from sppl.scoring.pool import Pool
from sppl.scoring.scoring_settings import Scoring
from sppl.strategies.recipe import Recipe
from sppl.study.plan import Plan, plan_waiting
from sppl.study.predictions import Predictions
from sppl.study.responses import Responses
from sppl.study.study import Conditions, Named, Study
from sppl.tables.sample import Sample, TableOf

Tables = dict[tuple[str, Table], TableOf]
"""One table per strategy and kind."""
TablePieces = Mapping[tuple[str, Table], Sequence[TableOf]]
Pieces = Mapping[tuple[str, Known], Sequence[Named]]
"""The artifacts of every strategy and table that hold it together, in the order of their questions."""


@dataclass(frozen=True)
class WantedTables:
    """The tables that metrics need of the strategies' responses.

    Args:
        study: has the benchmark, and the target that reads the responses.
        conditions: how they are scored.
        strategy: name -> recipe of the strategies.
        metric: name in the configuration -> metric.
        compared: the strategies that are ranked, if others are scored as well; none: all are.
    """

    study: Study
    conditions: Conditions
    strategy: Mapping[str, Recipe]
    metric: Mapping[str, Metric]
    compared: tuple[str, ...] = ()

    @property
    def needs(self) -> tuple[Table, ...]:
        """The kinds of tables."""
        return scored_needs(self.metric.values())

    @property
    def questions(self) -> list[Question]:
        """The questions whose responses are scored."""
        return take(self.study.benchmark, "train", self.conditions.n_score)

    @property
    def predictions(self) -> Predictions:
        """The target's own answers, which some tables show."""
        return Predictions(self.study, self.conditions.n_predict)

    def missing(self) -> list[str]:
        """Returns the strategies that cannot be scored yet, as responses or the target's own answers are missing."""
        if own_answers(self.needs) and not self.predictions.exists:
            return list(self.strategy)
        return [name for name, one in self.responses().items() if not one.exists]

    def awaited(self, name: str, needs: Sequence[Known]) -> list[Any]:
        """Returns what tells a strategy's tables of these kinds from others while inputs are missing."""
        how = self.conditions
        shown = [self.predictions.id.name, how.prompt] if own_answers(needs) else []
        scorer = [how.scorer.end, how.scorer.overlong]
        return [self.responses()[name].awaited, self.study.target.identity, scorer, shown]

    def waiting(self) -> Plan:
        """Returns the plan of the tables while inputs are missing."""
        questions = self.questions
        sample = self._sample({name: [(one, "") for one in questions] for name in self.strategy}, Pool(), {})
        plans = [
            plan_waiting(need.kind, sample.benchmark, *need.words(sample, name), of=self.awaited(name, [need]))
            for name in self.strategy
            for need in self.needs
        ]
        return sum(plans, Plan((), ()))

    def found(self) -> "FoundResponses":
        """Returns the responses of all strategies with their tables; responses that cost nothing are made first.

        Raises:
            MissingArtifact: predictions or paid responses are missing; the message is the command that makes them.
        """
        pool = self.predictions.pool(self.conditions.prompt) if own_answers(self.needs) else Pool()
        asked = self.responses()
        examples = {name: one.pairs() for name, one in asked.items()}
        return FoundResponses(self, self._sample(examples, pool, {name: one.sources() for name, one in asked.items()}))

    def unscored(self, missing: Collection[str]) -> MissingArtifact:
        """Returns the error whose message is the command that scores the missing strategies."""
        benchmark, target = self.study.words
        names = [name for name in self.strategy if self.conditions.scorer.together or name in missing]
        return MissingArtifact(
            f"no scores of {','.join(names)} for {benchmark} / {target} with these settings; make them: "
            + command(self.study.store.job, "stage=[predict,score]")
        )

    def responses(self) -> dict[str, Responses]:
        """Returns the responses of all strategies."""
        store, benchmark, questions = self.study.store, self.study.benchmark, self.questions
        return {name: Responses(store, benchmark, recipe, questions) for name, recipe in self.strategy.items()}

    def _sample(self, examples: Mapping, pool: Pool, inputs: Mapping) -> Sample:
        study, how = self.study, self.conditions
        return Sample(
            study.store, study.benchmark.name, study.target, examples, pool, how.prompt, how.scorer, study.hardware,
            self.compared, inputs,
        )  # fmt: skip


@dataclass(frozen=True)
class FoundResponses:
    """The responses of all strategies, and the tables that metrics need of them."""

    wanted: WantedTables
    sample: Sample

    def tables(self, names: Iterable[str] | None = None, start: int = 0, stop: int | None = None) -> Tables:
        """Returns the tables of these strategies (None: of all) for the questions `start` to `stop`."""
        sample = self.sample.between(start, stop)
        return {
            (name, need): TableOf(sample, name, need)
            for name in (sample.examples if names is None else names)
            for need in self.wanted.needs
        }

    def by(self, metric: Metric) -> "FoundResponses":
        """Returns the same responses with only the tables that one metric needs."""
        return replace(self, wanted=replace(self.wanted, metric={metric.name: metric}))

    def shortages(self, needs: Iterable[Table]) -> list[str]:
        """Returns the remarks on tables that show fewer of the target's own answers than they should."""
        questions = self.wanted.questions
        return list(dict.fromkeys(filter(None, (need.shortage(self.sample, questions) for need in needs))))


def refuse_beyond_server(metric: Mapping[str, Metric], scorer: Scoring) -> None:
    """Refuses metrics that need more of the target than a server returns.

    Raises:
        UserError: there are some; all of them are named.
    """
    if not scorer.server:
        return
    lacking: dict[str, str] = {}
    for name, one in metric.items():
        parts = [need.beyond_server(scorer.server) for need in scored_needs([one])]
        clip, top = getattr(one, "clip", 0), scorer.server.ranks_up_to
        parts += [f"ranks up to {clip} (scorer.server.top={clip})"] if top and clip > top else []
        if what := list(dict.fromkeys(filter(None, parts))):
            lacking[name] = ", ".join(what)
    if lacking:
        said = "; ".join(f"{name} needs {what}" for name, what in lacking.items())
        left = ",".join(name for name in metric if name not in lacking) or "perplexity"
        raise UserError(
            f"scorer=server: {said}. A server tells log-probabilities and ranks of given tokens; for the rest "
            f"the model itself is needed. Score in this process: scorer=default. Or leave them out: 'metric=[{left}]'"
        )
