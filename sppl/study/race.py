"""A race: strategies are scored batch by batch, and those that are clearly behind are scored no further."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sppl.analysis.racing import Bound, Standing, survivors
from sppl.artifacts.provenance import canonical
from sppl.artifacts.store import ArtifactId, Store
from sppl.commands import as_list
from sppl.metrics.leading import leading
from sppl.metrics.needs import Metric, Perplexed, Table, scored_needs
from sppl.schemas import UserError
from sppl.scoring.scoring_settings import Scoring
from sppl.strategies.recipe import Recipe
from sppl.study.wanted_tables import FoundResponses, TablePieces, Tables
from sppl.tables.sample import TableOf

log = logging.getLogger(__name__)

COLUMNS = ["questions", "strategy", "n_examples", "mean", "behind", "z", "limit", "survives"]


@dataclass(frozen=True)
class Race:
    """The race of some strategies' responses by one metric, and the decisions that it leaves.

    Args:
        found: the responses that race.
        leader: the metric that decides.
    """

    found: FoundResponses
    leader: Metric

    @property
    def store(self) -> Store:
        """The store that its tables lie in."""
        return self.found.sample.store

    @property
    def scorer(self) -> Scoring:
        """The scorer's settings, those of the race among them."""
        return self.found.sample.scorer

    @property
    def n_questions(self) -> int:
        """The number of questions there are to race over."""
        return len(next(iter(self.found.sample.examples.values())))

    @property
    def id(self) -> ArtifactId:
        """The artifact that keeps the decisions of a race over these responses by this metric and settings."""
        scorer, sample = self.scorer, self.found.sample
        settings = {
            "tables": sorted(one.id.name for one in self.found.by(self.leader).tables().values()),
            "metric": canonical(self.leader),
            "race": {"first": scorer.first, "then": scorer.then, "error": scorer.error},
        }
        words = (sample.benchmark, sample.target.name, f"{len(sample.examples)}_strategies")
        return self.store.artifact_id("races", *words, settings=settings)

    @property
    def exists(self) -> bool:
        """Whether the decisions are in the store."""
        return self.store.exists(self.id)

    def decisions(self) -> pd.DataFrame | None:
        """Returns the decisions in the store; None where there are none yet."""
        return self.store.read(self.id) if self.exists else None

    def inputs(self, decisions: pd.DataFrame) -> dict[str, str]:
        """Returns the names of the tables that decided, with their digests."""
        return {one.id.name: self.store.digest(one.id) for parts in self.pieces(decisions).values() for one in parts}

    def keep(self, decisions: pd.DataFrame, seconds: float) -> None:
        """Writes the decisions of the whole race to the store."""
        raced, n = decisions.groupby("strategy")["questions"].max(), self.n_questions
        facts = {
            "metric": self.leader.name, "error": self.scorer.error, "n_questions": n, "scored": int(raced.sum()),
            "all": n * len(raced),
        }  # fmt: skip
        self.store.write(self.id, decisions, self.inputs(decisions), seconds, **facts)

    def batches(self, stop: int | None = None) -> Iterator[tuple[int, int]]:
        """Yields the first question and the end of every batch, up to the question `stop`."""
        start, n = 0, self.n_questions if stop is None else stop
        while start < n:
            end = min(n, start + (self.scorer.then if start else self.scorer.first))
            yield start, end
            start = end

    def pieces(self, decisions: pd.DataFrame) -> TablePieces:
        """Returns, per strategy and kind, the tables with all that was scored by the decisions of the whole race."""
        raced = decisions.groupby("strategy")["questions"].max()
        found: dict[tuple[str, Table], list[TableOf]] = {}
        for name, stop in raced.items():
            for start, end in self.batches(int(stop)):
                for key, table in self.found.tables([str(name)], start, end).items():
                    if table.exists:  # not where all of the batch was too long for the target
                        found.setdefault(key, []).append(table)
        return found

    def run(
        self, make: Callable[[Tables], bool], known: pd.DataFrame | None = None, *, say: bool = True
    ) -> pd.DataFrame | None:
        """Runs the race; returns its decisions, or None where `make` stopped it.

        There is one row per batch and strategy still racing, its values in nats per token.

        Args:
            make: called with the tables of a batch; makes those that are missing, or returns False.
            known: decisions of the same race from the store, which are followed.
            say: whether a line per batch is logged.
        """
        racing, rows, losses = list(self.found.sample.examples), list[list](), dict[str, list[pd.Series]]()
        for start, end in self.batches(None if known is None else int(known["questions"].max())):
            tables = self.found.tables(racing, start, end)
            if not make(tables):
                return None
            if known is not None:
                decided = known[known["questions"] == end]
                racing = decided.loc[decided["survives"], "strategy"].tolist() if len(decided) else racing
                continue
            for name, values in self._log_perplexities(racing, tables).items():
                losses.setdefault(name, []).append(values)
            decisions = self._decide({name: pd.concat(losses[name]) for name in racing}, last=end == self.n_questions)
            if not decisions:
                continue
            rows += [[end, d.strategy, d.n_examples, d.mean, d.behind, d.z, d.limit, d.survives] for d in decisions]
            if say:
                self._say(end, decisions)
            racing = [decision.strategy for decision in decisions if decision.survives]
            if len(racing) == 1:
                break
        return pd.DataFrame(rows, columns=COLUMNS) if known is None else known

    def _log_perplexities(self, names: list[str], batch: Tables) -> Mapping[str, pd.Series]:
        """Per strategy the leading metric's log-perplexity of every example of a batch that fits the target."""
        assert isinstance(self.leader, Perplexed)
        needs, found = scored_needs([self.leader]), {}
        for name in names:
            if all(batch[name, need].exists for need in needs):
                tables = {need: batch[name, need].read() for need in needs}
                found[name] = self.leader.log_perplexities(tables).droplevel("strategy")
            else:  # nothing of the batch fitted
                found[name] = pd.Series(dtype=float)
        return found

    def _decide(self, losses: Mapping[str, pd.Series], *, last: bool) -> list[Standing]:
        """Decides who goes on, by the questions scored for all who still race; empty where there is none yet.

        Raises:
            UserError: there is none, and this is the last batch.
        """
        shared = pd.DataFrame(losses).dropna().sort_index()
        if shared.empty and not last:
            return []
        if shared.empty:
            none = [name for name, values in losses.items() if values.empty]
            raise UserError(
                f"{self.leader.name}: no question fits the target's context for all of {', '.join(losses)}; a race "
                "compares strategies on the same questions."
                + (f" Of {', '.join(none)} no response fits at all: leave them out." if none else "")
                + " Take a target with a longer context, or scorer.budget=fixed"
            )
        scorer = self.scorer
        bound = Bound(len(self.found.sample.examples), self.n_questions, scorer.error, scorer.first)
        return survivors({name: shared[name].to_numpy() for name in losses}, bound)

    def _say(self, end: int, decisions: list[Standing]) -> None:
        first = min(decisions, key=lambda one: (one.mean, one.strategy))
        out = [f"{d.strategy} ({d.behind:.3f} behind, z {d.z:.1f})" for d in decisions if not d.survives]
        on = [f"{d.strategy} ({d.behind:.3f}, z {d.z:.1f})" for d in decisions if d.survives and d is not first]
        log.info(
            "race by %s, %d of %d questions: %s leads (%.3f nats per token; limit z %.1f)%s%s",
            self.leader.name, end, self.n_questions, first.strategy, first.mean, first.limit,
            f"; out: {', '.join(out)}" if out else "", f"; still in: {', '.join(on)}" if on else "",
        )  # fmt: skip


def pieces_of(found: FoundResponses, race: Race | None) -> TablePieces:
    """Returns the artifacts that hold the tables of every strategy.

    Raises:
        MissingArtifact: some are missing; the message is the command that makes them.
    """
    if race is None:
        pieces: TablePieces = {key: [table] for key, table in found.tables().items()}
    else:
        decisions = race.decisions()
        pieces = {} if decisions is None else race.pieces(decisions)
    missing = {
        key[0] for key in found.tables(stop=1) if key not in pieces or not all(one.exists for one in pieces[key])
    }
    if missing:
        raise found.wanted.unscored(missing)
    return pieces


def competitors(
    strategy: Mapping[str, Recipe], metrics: Mapping[str, Metric], typed: Sequence[str]
) -> tuple[dict[str, Recipe], Metric]:
    """Returns the strategies that race and the metric that decides; references such as gold labels do not race.

    Args:
        strategy: the recipes of this job.
        metrics: the metrics of this job.
        typed: the command line, for the message.

    Raises:
        UserError: there are not two strategies in this job, or no metric has log-perplexities.
    """
    racing = {name: recipe for name, recipe in strategy.items() if recipe.ranked}
    if len(racing) < 2:
        raise UserError(
            "scorer.budget=race compares strategies while it scores them, so it needs all of them in one job; this job "
            f"has only {', '.join(strategy)}. Give them as a list: {as_list(typed)}"
        )
    leader = leading(metrics.values())
    if leader is None:
        raise UserError(
            f"scorer.budget=race needs a metric with log-perplexities, and {', '.join(metrics)} have none; add sppl: "
            f"'metric=[sppl,{','.join(metrics)}]', or score everything: scorer.budget=fixed"
        )
    return racing, leader
