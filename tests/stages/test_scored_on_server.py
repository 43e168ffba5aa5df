"""scorer=server: the tables are those of this process, within the tolerance, and nothing is asked for twice."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from sppl.schemas import UserError

pytestmark = pytest.mark.filterwarnings("default")
SIX = "strategy=[gpt4,claude,rewrite,step_by_step,mini_gpt4,gold_label]"
METRICS = "metric=[sppl,perplexity,ifd,rank_surprisal_ratio,length]"


def served(url, dialect="vllm", *more):
    named = [f"scorer.server.base_url={url}", "scorer.server.model=lab", "scorer.server.name=here"]
    return ["scorer=server", f"scorer.server.dialect={dialect}", *named, "scorer.server.backoff=0.01",
            "scorer.server.tries=2", *more]  # fmt: skip


def asked(log):
    return [json.loads(line) for line in log.read_text().splitlines()]


def names(plan):
    return sorted([*plan.found, *plan.to_make])


@pytest.mark.parametrize("dialect", ["vllm", "sglang"])
def test_six_strategies_are_scored_as_here_and_every_prefix_is_computed_once(dialect, stage, made, scoring_server):
    stage("predict", made)
    here = names(stage("score", made, SIX, METRICS))
    url, log = scoring_server()
    there = names(stage("score", made, SIX, METRICS, *served(url, dialect)))
    assert not set(here) & set(there)
    for one, other in zip(here, there, strict=True):
        mine, theirs = made.read(made.open(one)), made.read(made.open(other))
        assert one.rpartition("-")[0] == other.rpartition("-")[0]
        same = ["example_id", "token", "token_id"]
        assert mine[same].equals(theirs[same])
        np.testing.assert_allclose(mine["logprob"], theirs["logprob"], atol=1e-4)
        most = 101 if dialect == "sglang" else None
        assert (mine["rank"].clip(upper=most) == theirs["rank"]).mean() > 0.999  # ties in the last digit
        notes = made.provenance(made.open(other))
        assert notes["device"] == "server here"
        assert (notes["checked"]["requests"], notes["checked"]["logprobs"] < 1e-4) == (20, True)
    rows = asked(log)
    assert len({tuple(row["ids"]) for row in rows}) == len(rows)  # each response once in each context
    if dialect == "sglang":  # which says where a prefix ends: `start` is the place of its last token
        first = [tuple(row["ids"][: row["start"]]) for row in rows if row["cached"] < row["start"]]
        assert first
        assert len(first) == len(set(first))


def test_the_ranking_reads_what_the_server_scored(stage, made, scoring_server):
    chosen = ["strategy=[gpt4,claude]", "metric=[perplexity]"]
    url, _ = scoring_server()
    stage("score", made, *chosen, *served(url))
    plan = stage("rank", made, *chosen, *served(url))
    assert names(plan)


def test_a_run_that_stopped_asks_for_the_missing_responses_and_the_checked_ones_only(stage, store, scoring_server):
    chosen = [SIX, "metric=[perplexity,ifd]", "n_score=12"]
    url, log = scoring_server("late")
    with pytest.raises(UserError, match=r"400 .*the same command goes on"):
        stage("score", store, *chosen, *served(url))
    before = {tuple(row["ids"]) for row in asked(log)}
    url, log = scoring_server()  # the same by its name
    stage("score", store, *chosen, *served(url))
    after = {tuple(row["ids"]) for row in asked(log)}
    assert len(before) == 40
    assert len(before & after) == 20
    assert len(after) > 20


def test_a_server_that_came_back_with_other_weights_is_refused_and_the_right_one_goes_on(stage, store, scoring_server):
    chosen = [SIX, "metric=[perplexity]", "n_score=12"]
    url, _ = scoring_server("late")
    with pytest.raises(UserError, match=r"400 .*the same command goes on"):
        stage("score", store, *chosen, *served(url))
    url, log = scoring_server("far")
    with pytest.raises(UserError, match="does not score as the target does"):
        stage("score", store, *chosen, *served(url))
    assert len(asked(log)) == 20
    url, log = scoring_server()
    stage("score", store, *chosen, *served(url))
    assert len(asked(log)) == 72 - 40 + 20  # nothing of the wrong one was kept


def test_values_that_another_server_left_are_refused_with_the_way_on(stage, store, scoring_server):
    chosen = [SIX, "metric=[perplexity]", "n_score=12"]
    url, _ = scoring_server("late")
    with pytest.raises(UserError, match="the same command goes on"):
        stage("score", store, *chosen, *served(url))
    (path,) = Path(store.root).glob("**/server.jsonl")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    other = [{**row, "logprobs": [value - 1 for value in row["logprobs"]]} for row in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in other))
    url, _ = scoring_server()
    said = rf"{path} holds 40 responses that another server .*shifted by.*Remove that file.*scorer\.server\.name=NAME"
    with pytest.raises(UserError, match=said):
        stage("score", store, *chosen, *served(url))
    path.unlink()
    stage("score", store, *chosen, *served(url))


@pytest.mark.parametrize("dialect", ["vllm", "sglang"])
@pytest.mark.parametrize(
    ("trouble", "said"),
    [("far", r"log-probabilities are shifted by -\d.*server\.tolerance=0\.03"), ("ranks", "ranks differ by")],
)
def test_a_server_that_scores_otherwise_is_refused_after_so_many_requests(
    dialect, trouble, said, stage, store, scoring_server
):
    url, log = scoring_server(trouble)
    with pytest.raises(
        UserError, match=f"does not score as the target does .*of 20 requests, .*{said}.*--dtype float32"
    ):
        stage("score", store, SIX, "metric=[perplexity]", *served(url, dialect))
    assert len(asked(log)) == 20
    assert not list(Path(store.root).glob("token_stats/**/*.parquet"))


def test_a_server_within_the_tolerance_is_trusted(stage, store, scoring_server):
    url, _ = scoring_server("near")
    (name,) = names(stage("score", store, "strategy=[gpt4]", "metric=[perplexity]", *served(url)))
    assert store.provenance(store.open(name))["checked"]["logprobs"] > 0.001


def test_metrics_that_need_the_model_itself_say_so_before_anything_is_asked(stage, store):
    with pytest.raises(UserError) as told:
        stage("score", store, "strategy=[gpt4]", "metric=[sppl,entropy,scas,grace]", *served("http://127.0.0.1:9/v1"))
    assert re.search(
        r"scorer=server: entropy needs the whole distribution of every token \(entropy\); scas needs hidden states; "
        r"grace needs gradients\. .*the model itself is needed.*scorer=default.*'metric=\[sppl\]'",
        str(told.value),
    )


def test_ranks_beyond_those_that_sglang_tells_are_refused(stage, store):
    few = served("http://127.0.0.1:9/v1", "sglang", "scorer.server.top=50")
    with pytest.raises(UserError, match=r"rank_surprisal_ratio needs ranks up to 100 \(scorer\.server\.top=100\)"):
        stage("score", store, "strategy=[gpt4]", "metric=[rank_surprisal_ratio]", *few)


def test_missing_scores_name_the_command_with_the_server(stage, made):
    chosen = ["strategy=[gpt4]", "metric=[perplexity]", "n_score=5"]
    with pytest.raises(Exception, match=r"make them: python run\.py .* scorer=server scorer\.server\.dialect=sglang"):
        stage("rank", made, *chosen, *served("http://127.0.0.1:9/v1", "sglang"))
