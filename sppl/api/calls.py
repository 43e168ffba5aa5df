"""`score`, `rank` and `pick` find the strategy whose responses suit a target model, without any training."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import NamedTuple

import pandas as pd

from sppl.analysis.confidence import confidence
from sppl.api.comparison import Accelerator, Comparison, Kind, Overlong, resolve_metrics, resolve_target
from sppl.api.given import Rows, read_rows
from sppl.api.in_python import told_in_python
from sppl.api.memory import memory_store
from sppl.hardware.hardware import Hardware
from sppl.metrics.leading import leading
from sppl.metrics.needs import Metric
from sppl.models.target import TargetModel
from sppl.report.picks import make_pick_list
from sppl.schemas import UserError

FIRST = ["metric", "strategy", "value", "rank"]
"""The first columns of a ranking."""
PAIR = {"benchmark": "given", "target_model": "target"}
"""The benchmark and target by which the analysis identifies the only ranking."""


class Picked(NamedTuple):
    """The strategy to train on, `why` in a few sentences, and the ranking behind it."""

    strategy: str
    why: str
    ranking: pd.DataFrame


def rank(
    target: str | PathLike[str] | TargetModel,
    responses: Mapping[str, Rows],
    metrics: Sequence[str | Metric] = ("sppl", "perplexity"),
    *,
    answer: Kind = "text",
    n_predict: int = 100,
    n_score: int | None = None,
    max_new_tokens: int | None = None,
    overlong: Overlong = "refuse",
    accelerator: Accelerator = "auto",
) -> pd.DataFrame:
    """Ranks strategies by how well their responses suit the target, as the stages `score` and `rank` do.

    Args:
        target: a target model; its name in the group `target_model` (`lab`, `qwen2_5_7b`, ...); or a folder, GGUF file
            or hub id, which is loaded in bfloat16.
        responses: per strategy its rows (mappings or a DataFrame): `question`, `response`, and where they are known
            the gold `answer` and an `id`. Questions that not every strategy answers are left out, and `note` says so.
        metrics: metrics, or their names in the group `metric`, with the defaults they have there.
        answer: what an answer is: the judge of the target's own ones, which SPPL shows it. Without gold answers they
            are shown unjudged, and `note` says so.
        n_predict: questions the target answers itself, the first of those given, where a metric shows own answers.
        n_score: questions whose responses are scored; None: all.
        max_new_tokens: the longest own answer of the target; None: 512.
        overlong: what happens to a question or response that does not fit into the target's context: `refuse` all work;
            `skip` the question for all strategies; `truncate_left` shows it fewer own answers, and then cuts it, alike
            for all strategies. `note` counts them.
        accelerator: `cpu`, `gpu` (CUDA), or `auto`: the GPU where there is one.

    Returns:
        One row per metric and strategy, the best first: `value`; `rank` (1 is best by the metric's `direction`);
        `low` and `high`, the 95 % bootstrap interval of the value; `p_first`, the share of the `n_resamples` of the
        questions in which the strategy is best; `n_examples`; `share_won`, `spread_ratio` and `n_needed`, what single
        questions say (`sppl.analysis.per_question`); `parameters`, the target's weights; `cost`, forward passes per
        response; `note`.

    Raises:
        UserError: something is wrong with the rows, a name or the target; the message says what, and what there is.

    Example:
        >>> import sppl
        >>> question = "Ben has 5 cups. He gets 3 more. How many cups does Ben have?"
        >>> plain = [{"question": question, "response": "5 + 3 = 8"}]
        >>> wordy = [{"question": question, "response": "Well, let me think about cups: surely it is eight!"}]
        >>> ranking = sppl.rank("lab", {"plain": plain, "wordy": wordy}, ["perplexity"])
        >>> ranking[["strategy", "rank"]].to_dict("list")
        {'strategy': ['plain', 'wordy'], 'rank': [1.0, 2.0]}
    """
    with told_in_python(), memory_store() as store:
        compared = Comparison(
            read_rows(responses), resolve_target(target), resolve_metrics(metrics), answer, n_predict, n_score,
            max_new_tokens, overlong, Hardware(accelerator),
        )  # fmt: skip
        compared.score(store)
        ranking = compared.rank(store).drop(columns=[*PAIR, "source", "teacher"])
    return ranking[[*FIRST, *(column for column in ranking if column not in FIRST)]]


def pick(
    target: str | PathLike[str] | TargetModel,
    responses: Mapping[str, Rows],
    metrics: Sequence[str | Metric] = ("sppl", "perplexity"),
    *,
    answer: Kind = "text",
    n_predict: int = 100,
    n_score: int | None = None,
    max_new_tokens: int | None = None,
    overlong: Overlong = "refuse",
    accelerator: Accelerator = "auto",
) -> Picked:
    """Picks the strategy to train on, and says why.

    SPPL decides where it is among the metrics, else the first metric that has log-perplexities, else the first that
    has a direction.

    Args:
        target, responses, metrics, answer, n_predict, n_score, max_new_tokens, overlong, accelerator: see `rank`.

    Raises:
        UserError: no metric has a direction; and as `rank`.

    Example:
        >>> import sppl
        >>> question = "Ben has 5 cups. He gets 3 more. How many cups does Ben have?"
        >>> plain = [{"question": question, "response": "5 + 3 = 8"}]
        >>> wordy = [{"question": question, "response": "Well, let me think about cups: surely it is eight!"}]
        >>> picked = sppl.pick("lab", {"plain": plain, "wordy": wordy}, ["perplexity"])
        >>> picked.strategy
        'plain'
        >>> picked.why.startswith("plain is ahead of wordy by perplexity")
        True
    """
    made = resolve_metrics(metrics)
    lead = leading(made) or next((one for one in made if one.higher_is_better is not None), None)
    if lead is None:
        names = ", ".join(one.name for one in made)
        raise UserError(f"{names}: without a direction none of them can pick a strategy; add sppl or perplexity")
    ranking = rank(
        target, responses, made, answer=answer, n_predict=n_predict, n_score=n_score, max_new_tokens=max_new_tokens,
        overlong=overlong, accelerator=accelerator,
    )  # fmt: skip
    known = ranking.assign(**PAIR)
    (found,) = make_pick_list(known, confidence(known), lead.name, lambda *_: "")
    return Picked(found.strategy, found.said, ranking)


def score(
    target: str | PathLike[str] | TargetModel,
    responses: Mapping[str, Rows],
    metrics: Sequence[str | Metric] = ("sppl", "perplexity"),
    *,
    answer: Kind = "text",
    n_predict: int = 100,
    n_score: int | None = None,
    max_new_tokens: int | None = None,
    overlong: Overlong = "refuse",
    accelerator: Accelerator = "auto",
) -> pd.DataFrame:
    """Computes statistics of every token of every response, in every context that the metrics need.

    Args:
        target, responses, metrics, answer, n_predict, n_score, max_new_tokens, overlong, accelerator: see `rank`.

    Returns:
        One row per `strategy`, `context` (`question`, `self_aligned_n2`, ...), `example_id` and `token` (its place),
        with `token_id`, `text` (that token alone), `logprob` (nats), `rank` (1 is the most likely token), and further
        columns that a metric asks for.

    Raises:
        UserError: no metric needs token statistics; and as `rank`.

    Example:
        >>> import sppl
        >>> rows = [{"question": "Ben has 5 cups. He gets 3 more. How many?", "response": "5 + 3 = 8"}]
        >>> table = sppl.score("lab", {"plain": rows}, ["perplexity"])
        >>> "".join(table["text"])
        '5 + 3 = 8'
        >>> bool((table["logprob"] <= 0).all())
        True
    """
    with told_in_python(), memory_store() as store:
        compared = Comparison(
            read_rows(responses), resolve_target(target), resolve_metrics(metrics), answer, n_predict, n_score,
            max_new_tokens, overlong, Hardware(accelerator),
        )  # fmt: skip
        compared.score(store)
        tables = [
            (artifact, store.read(artifact)) for artifact, _, _ in store.kept.values() if artifact.kind == "token_stats"
        ]
    if not tables:
        raise UserError("none of these metrics reads token statistics; sppl.rank ranks by them")
    parts = [
        table.assign(strategy=artifact.words[2], context=artifact.words[3].partition("-")[0])
        for artifact, table in tables
    ]
    frame = pd.concat(parts, ignore_index=True)
    tokenizer = compared.target.tokenizer()
    ids = frame["token_id"].unique().tolist()
    frame["text"] = frame["token_id"].map({number: tokenizer.decode([number]) for number in ids})
    first = ["strategy", "context", "example_id", "token", "token_id", "text", "logprob", "rank"]
    return frame[[*first, *(column for column in frame if column not in first)]]
