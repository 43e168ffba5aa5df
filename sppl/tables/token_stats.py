"""Token statistics: log-probability, rank and more of every token of every response, in one context."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from sppl.artifacts.provenance import canonical
from sppl.prompts import Context
from sppl.schemas import Question, column, table_schema
from sppl.tables.kind import Table
from sppl.tables.sample import Sample, TableOf

if TYPE_CHECKING:
    from sppl.artifacts.store import ArtifactId
    from sppl.scoring.in_context import Work
    from sppl.scoring.overlong import FittedResponses

COLUMNS = ("entropy", "top50_brier", "step")
"""What token statistics can hold beyond `logprob` and `rank`: the entropy of the distribution the token was drawn from
(nats); Brier score under the softmax of the 50 most likely tokens; the number of the token's reasoning step."""
BASE = ["example_id", "token", "token_id", "logprob", "rank"]
"""The columns every table of token statistics has."""


@dataclass(frozen=True)
class TokenStats(Table):
    """Per-token statistics of every response in one context: `token` (its place), `token_id`, `logprob`, `rank`.

    `logprob` is in nats, `rank` is 1 for the most likely token.

    Args:
        context: what stands before the response.
        columns: further columns of `COLUMNS`, computed only where a metric needs them.
    """

    context: Context
    columns: tuple[str, ...] = ()

    kind = "token_stats"
    schema = table_schema(
        {
            "example_id": str,
            "token": "int32",
            "token_id": "int32",
            "logprob": "float32",
            "rank": "int32",
            "entropy": column("float32", required=False),
            "top50_brier": column("float32", required=False),
            "step": column("int32", required=False),
            "turn": column("int32", required=False),
        },
        ["example_id", "token"],
    )

    def __post_init__(self) -> None:
        unknown = sorted(set(self.columns) - set(COLUMNS))
        if unknown:
            raise ValueError(
                f"no such column of token statistics: {', '.join(unknown)}; there are {', '.join(COLUMNS)}"
            )

    @property
    def name(self) -> str:
        return "+".join((self.context.name, *self.columns))

    @property
    def shows_own_answers(self) -> bool:
        return self.context.n_examples > 0

    @property
    def one_pass(self) -> object:
        return self.context  # two tables of one context are read in one pass

    def words(self, sample: Sample, strategy: str) -> Sequence[str]:
        worded = f"-{sample.prompt.hash(examples_first=self.context.examples_first)}" if self.shows_own_answers else ""
        return sample.target.name, strategy, self.name + worded

    def settings(self, sample: Sample, strategy: str) -> Mapping[str, Any]:
        settings = sample.read_by_target(strategy)
        if sample.scorer.server:
            settings["server"] = sample.scorer.server.identity
        settings["context"] = canonical(self.context)
        if not self.context.shows_question:
            settings["before"] = "the tokenizer's own BOS"  # once it was any first token of the chat template
        if self.columns:
            settings["columns"] = list(self.columns)
        if self.shows_own_answers:
            settings |= {"prompt": canonical(sample.prompt), "pool": sample.pool.digest}
        if self.context.examples_first:
            settings["wording"] = sample.prompt.examples_first
        elif self.shows_own_answers and sample.start:  # a question's place decides which answers it is shown
            settings["start"] = sample.start
        return settings

    def sources(self, sample: Sample) -> Mapping[str, str]:
        own = sample.pool.inputs if self.shows_own_answers else {}
        return {**own, **sample.target_source()}

    def beyond_server(self, server: Any) -> str:
        whole = sorted(set(self.columns) - {"step"})
        return f"the whole distribution of every token ({', '.join(whole)})" if whole else ""

    def shortage(self, sample: Sample, questions: Sequence[Question]) -> str:
        return sample.pool.shortage(sample.prompt, questions, self.context)

    def logged(self, frame: pd.DataFrame) -> Mapping[str, float]:
        return {"loss": -float(frame.groupby("example_id")["logprob"].mean().mean())}

    @staticmethod
    def check(sample: Sample, tables: Sequence[TableOf]) -> None:
        fit_requests(sample, [(one.strategy, cast("TokenStats", one.need)) for one in tables])

    @staticmethod
    def make(sample: Sample, tables: Sequence[TableOf]) -> None:
        """Scores the responses in as few passes as possible, and writes the tables.

        What a table cost is kept beside it: `tokens` that are read when each response is scored by itself, `passes`
        (the same in forward passes over question and response, per response), and its share of the seconds.

        Raises:
            UserError: a response is empty, or something does not fit the target's context and `overlong` is `error`.
        """
        from sppl.scoring.in_context import score_work

        todo = [one for one in tables if not one.exists]
        if not todo:
            return
        # A run that was killed while it wrote its tables left the passes of all of them: planned alike, they are found.
        killed = _works(sample, tables, todo) if len(tables) > len(todo) else []
        left_over = any(sample.store.in_progress(kept) for _, kept in killed)
        for work, kept in killed if left_over else _works(sample, todo, todo):
            start = time.perf_counter()
            scored, on = score_work(
                sample.target, work, scorer=sample.scorer, hardware=sample.hardware, folder=sample.store.parts(kept)
            )
            seconds = time.perf_counter() - start
            _write(todo, work, scored, seconds, on)
            sample.store.clear_parts(kept)


def fit_requests(
    sample: Sample, tables: Collection[tuple[str, TokenStats]]
) -> "dict[tuple[str, Context], FittedResponses]":
    """Returns the scoring requests of these tables, as far as they fit the target.

    Raises:
        UserError: a response is empty, or something does not fit and is not to be left out.
    """
    from sppl.scoring.in_context import fitting_requests

    wanted = [(name, need.context, need.columns) for name, need in tables]
    return fitting_requests(
        sample.target, wanted, sample.examples, sample.pool, prompt=sample.prompt, scorer=sample.scorer,
        start=sample.start, compared=sample.compared,
    )  # fmt: skip


def _works(sample: Sample, tables: Sequence[TableOf], todo: Sequence[TableOf]) -> "list[tuple[Work, ArtifactId]]":
    """The scoring work of which some table in `todo` is made, each with the artifact that keeps its passes."""
    from sppl.scoring.in_context import plan_works

    keys = [(one.strategy, cast("TokenStats", one.need)) for one in tables]
    contexts = {cast("TokenStats", one.need).context for one in todo}
    found = []
    for work in plan_works([(name, need.context, need.columns) for name, need in keys], fit_requests(sample, keys)):
        settings: dict[str, Any] = {"requests": work.key} | ({"columns": work.further} if work.further else {})
        settings |= {"server": sample.scorer.server.identity} if sample.scorer.server else {}
        kept = sample.store.artifact_id("token_stats", *tables[0].id.words[:2], "passes", settings=settings)
        if contexts & {context for _, context in work.fitting}:
            found.append((work, kept))
    return found


def _write(todo: Sequence[TableOf], work: "Work", scored: Mapping[int, Any], seconds: float, on: Mapping) -> None:
    """Writes the tables in `todo` that the scored work belongs to."""
    total = sum(one.tokens for fit in work.fitting.values() for one in fit.responses)
    join = partial(pd.concat, ignore_index=True)
    made = {
        key: join([one.table(scored) for one in fit.responses]) for key, fit in work.fitting.items() if fit.responses
    }
    for one in todo:
        need = cast("TokenStats", one.need)
        if (one.strategy, need.context) not in made:
            continue
        fit, table = work.fitting[one.strategy, need.context], made[one.strategy, need.context]
        facts, tokens = fit.facts, sum(response.tokens for response in fit.responses)
        if need.shows_own_answers and one.sample.pool.note:
            facts["pool"] = one.sample.pool.note
        facts |= {"responses": len(fit.responses), "tokens": tokens, **on}
        facts["passes"] = round(tokens / sum(response.alone for response in fit.responses), 4)
        table = table[[*BASE, *need.columns, *({"turn"} & set(table))]]
        one.write(table, seconds * tokens / total, **facts)
