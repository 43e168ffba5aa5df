"""A server's values are those of the scorer here, each prefix is computed once, and what is wrong is one sentence."""

import json
import re

import numpy as np
import pytest

from sppl.models.target import TargetModel
from sppl.schemas import UserError
from sppl.scoring.requests import ScoringRequest
from sppl.scoring.scorer import ResponseScorer
from sppl.scoring.server_protocols import values_of
from sppl.scoring.server_requests import request_values
from sppl.scoring.server_settings import ScoringServer
from sppl.scoring.trust import compare_values, disagreement, sample_requests
from tests.servers.running import ROOT, free_ports

DIALECTS = pytest.mark.parametrize("dialect", ["vllm", "sglang"])


@pytest.fixture(autouse=True)
def here(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def scorer():
    return ResponseScorer(TargetModel("lab", str(ROOT / "sppl/lab/checkpoint")).load())


@pytest.fixture(scope="module")
def requests(scorer):
    """Four prefixes, the last one empty, with six responses each, in an order that mixes them."""
    draw = np.random.default_rng(0)
    size = scorer.model.config.vocab_size
    shared = tuple(draw.integers(0, size, 9).tolist())
    prefixes = [(), shared, (*shared, 3, 1, 4), tuple(draw.integers(0, size, 20).tolist())]
    pairs = [(prefix, tuple(draw.integers(0, size, 2 + n).tolist())) for n in range(6) for prefix in prefixes]
    return [ScoringRequest(prefix, response, index) for index, (prefix, response) in enumerate(pairs)]


def at(url, dialect="vllm", **settings):
    settings = {"model": "lab", "timeout": 30.0, "backoff": 0.01, "tries": 2, **settings}
    return ScoringServer(dialect=dialect, base_url=url, **settings)


def values(server, requests):
    found = {one.index: values for one, values in request_values(server, requests)}
    return [found[one.index] for one in requests]


@DIALECTS
@pytest.mark.parametrize("concurrency", [1, 8])
def test_values_are_those_of_the_scorer_here(dialect, concurrency, scorer, requests, scoring_server):
    url, _ = scoring_server()
    theirs = values(at(url, dialect, concurrency=concurrency, top=1000), requests)
    for (logprobs, ranks), (mine, own) in zip(theirs, scorer.score(requests, max_tokens=4096), strict=True):
        np.testing.assert_allclose(logprobs, mine, atol=1e-4)
        assert ranks.tolist() == own.tolist()


def computed(log, requests):
    """Per prefix how many requests found less than all of it in the cache."""
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    cached = {tuple(row["ids"]): row["cached"] for row in rows}
    assert len(cached) == len(rows) == len(requests)
    found = {one.prefix: 0 for one in requests if len(one.prefix) > 1}
    for one in requests:
        if one.prefix in found:  # the prefix's last token predicts the response's first: it may be read again
            found[one.prefix] += cached[one.prefix + one.response] < len(one.prefix) - 1
    return found


@DIALECTS
@pytest.mark.parametrize("concurrency", [1, 8])
def test_each_prefix_is_computed_once_however_many_requests_are_under_way(
    dialect, concurrency, requests, scoring_server
):
    url, log = scoring_server()
    values(at(url, dialect, concurrency=concurrency), requests)
    assert set(computed(log, requests).values()) == {1}


def test_sglang_tells_ranks_up_to_the_number_asked_for_and_the_next_for_all_below(scorer, requests, scoring_server):
    url, _ = scoring_server()
    theirs = values(at(url, "sglang", top=3), requests)
    for (_, ranks), (_, own) in zip(theirs, scorer.score(requests, max_tokens=4096), strict=True):
        assert ranks.tolist() == np.minimum(own, 4).tolist()


@DIALECTS
@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("fewer", r"tells log-probabilities of \d+ tokens where \d+ were sent"),
        (
            "other",
            r"read another token than was sent: number \d+ is \d+, and it tells of \d+; it has another tokenizer",
        ),
        ("nan", r"gives 1 of \d+ tokens no finite log-probability; start it with another precision"),
        ("infinite", r"gives 1 of \d+ tokens no finite log-probability"),
        ("none", r"answers without .*logprobs.*other servers cannot score"),
        ("no_ranks", r"answers without (the rank of a token|input_token_logprobs and input_top_logprobs)"),
        ("html", r"scores nothing: JSONDecodeError.*\(2 tries\)\. Look at scorer\.server\.base_url"),
        ("400", r"scores nothing: 400 .*about to stop.*what it scored is kept, and the same command goes on"),
    ],
)
def test_what_is_wrong_with_a_server_is_one_sentence(dialect, trouble, said, requests, scoring_server):
    url, _ = scoring_server(trouble)
    with pytest.raises(UserError, match=said) as told:
        values(at(url, dialect), requests)
    assert f"the server at {url}" in str(told.value)


@DIALECTS
def test_a_server_that_is_busy_is_asked_again(dialect, requests, scoring_server):
    url, _ = scoring_server("busy")
    assert len(values(at(url, dialect), requests)) == len(requests)


def test_where_nobody_answers_or_the_model_has_another_name_there_it_is_said(requests, scoring_server):
    (port,) = free_ports(1)
    with pytest.raises(UserError, match=r"scores nothing: URLError.*refused.*\(2 tries\)"):
        values(at(f"http://127.0.0.1:{port}/v1"), requests[:1])
    url, _ = scoring_server()
    with pytest.raises(UserError, match=r"404 .*`m` does not exist.*server\.model"):
        values(at(url, model="m"), requests[:1])


@pytest.mark.parametrize(
    "body", [None, [], "x", {}, {"choices": []}, {"choices": [None]}, {"meta_info": None}, {"error": "no"}]
)
@DIALECTS
def test_any_other_answer_is_a_sentence_too(dialect, body):
    with pytest.raises(UserError, match="answers without"):
        values_of(at("http://x", dialect), ScoringRequest((1, 2), (3,)), body)


def test_the_sample_is_the_same_in_any_order_and_spread_over_the_prefixes(requests):
    assert sample_requests(requests, 4) == sample_requests(requests[::-1], 4)
    assert len({one.prefix for one in sample_requests(requests, 4)}) == 4
    assert len(sample_requests(requests, 100)) == len(requests)


HALF = np.log(0.5)


def test_agreement_is_per_token_that_the_target_is_not_sure_of():
    ours = [(np.array([HALF, HALF, 0.0]), np.array([1, 4, 1])), (np.array([HALF]), np.array([500]))]
    theirs = [(np.array([HALF - 0.1, HALF - 0.3, 0.0]), np.array([1, 1, 1])), (np.array([HALF + 0.1]), np.array([101]))]
    found = compare_values(ours, theirs, ranks_up_to=100)
    assert (found.requests, found.tokens, found.unsure) == (2, 4, pytest.approx(1.5))
    assert found.shift == pytest.approx(-0.3 / 1.5)
    assert found.logprobs == pytest.approx(0.5 / 1.5)
    assert found.ranks == pytest.approx(np.log(4) / 1.5)
    assert not disagreement(at("http://x", tolerance=0.5, token_tolerance=0.5), "float32", found)
    said = disagreement(at("http://x", tolerance=0.1, token_tolerance=0.05), "float32", found)
    assert re.fullmatch(
        r"over 4 tokens of 2 requests, .* log-probabilities are shifted by -0\.2 \(allowed: 0\.18, .*\.tolerance=0\.1\)"
        r" and the log-probabilities differ by 0\.333 \(allowed: 0\.13, for scorer\.server\.token_tolerance=0\.05\)"
        r" and the logarithms of the ranks differ by 0\.924 \(allowed: 0\.23, for 3 times .*token_tolerance=0\.05\)",
        said,
    )
    nothing = compare_values([(np.array([np.nan]), np.array([1]))], [(np.array([0.0]), np.array([1]))], None)
    assert "differ by nan" in disagreement(at("http://x"), "bfloat16", nothing)


def apart(*differences):
    """The agreement of 20 responses with 50 tokens each, of which every other one is sure, that differ so."""
    ours = [(np.tile([-30.0, 0.0], 25), np.ones(50, dtype=int)) for _ in range(20)]
    added = np.resize(differences, (20, 25))
    theirs = [(logprobs + np.kron(one, [1.0, 0.0]), ranks) for (logprobs, ranks), one in zip(ours, added, strict=True)]
    return compare_values(ours, theirs, None)


def test_rounding_to_bfloat16_is_no_disagreement_however_far_single_responses_differ():
    noise = np.random.default_rng(0).normal(0, 0.09, 500)  # SmolLM2 under another kernel: 0.07 on average
    noise[:25] *= 3
    assert np.abs(noise[:25]).mean() > 0.15
    assert not disagreement(at("http://x"), "bfloat16", apart(*noise))
    for tighter in ("float32", "float16"):
        assert "log-probabilities differ" in disagreement(at("http://x"), tighter, apart(*noise))


def test_a_shift_half_as_large_is_one_and_so_are_larger_differences():
    server = at("http://x")
    assert "are shifted by -0.045 " in disagreement(server, "bfloat16", apart(-0.045))
    assert "log-probabilities differ by 0.13 " in disagreement(server, "bfloat16", apart(0.13, -0.13))
    assert not disagreement(server, "bfloat16", apart(0.07, -0.07))
    assert not disagreement(server, "float32", apart(0.01, -0.01))


def test_few_tokens_may_differ_more_by_chance_but_not_as_other_weights_do():
    def one(difference):
        return compare_values(
            [(np.array([-9.0]), np.array([7]))], [(np.array([-9.0 + difference]), np.array([7]))], None
        )

    assert not disagreement(at("http://x"), "bfloat16", one(0.15))
    assert disagreement(at("http://x"), "bfloat16", one(0.5))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dialect": "tgi"}, "dialect='tgi' \\(one of vllm, sglang"),
        ({"check": 0}, r"check=0 \(a whole number above 0"),
        ({"tolerance": "x"}, r"tolerance='x' \(a number, 0 or above"),
        ({"token_tolerance": -1}, r"token_tolerance=-1 \(a number, 0 or above"),
        ({"url": "my.host"}, "base_url='my.host' is no address"),
        ({"top": True}, r"top=True \(a whole number above 0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, said):
    settings = dict(settings)
    with pytest.raises(UserError, match=rf"scorer\.server: {said}"):
        at(settings.pop("url", "http://x"), **settings)
