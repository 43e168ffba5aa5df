"""Metrics against a plain second computation, straight from the logits of a tiny model."""

import random

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from sppl.analysis.resampling import value_of
from sppl.metrics.aslec_casl import AslecCasl
from sppl.metrics.aslec_drop import AslecDrop
from sppl.metrics.entropy import Entropy
from sppl.metrics.ifd import InstructionFollowingDifficulty
from sppl.metrics.lark import Lark
from sppl.metrics.local_naturalness import LocalNaturalness
from sppl.metrics.needs import table_needs
from sppl.metrics.rank_surprisal_ratio import RankSurprisalRatio
from sppl.prompts import Alone, StepWise
from sppl.schemas import UserError
from sppl.scoring.forms import choose_form
from sppl.scoring.planner import plan_passes
from sppl.scoring.request_builder import ResponseInContext, scored_spans
from sppl.scoring.requests import ScoringRequest
from sppl.scoring.scorer import ResponseScorer

VOCABULARY, BOS = 150, 1
KEYS = [(strategy, f"q{number}") for strategy in ("gpt4", "claude", "rewrite") for number in range(4)]


@pytest.fixture(scope="module")
def model() -> LlamaForCausalLM:
    torch.manual_seed(1)
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    return LlamaForCausalLM(LlamaConfig(vocab_size=VOCABULARY, initializer_range=0.6, **size)).eval()


@pytest.fixture(scope="module")
def texts() -> dict[tuple[str, str], tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]]:
    """Prompt, response and step numbers of every response."""
    draw = random.Random(2)
    prompts = {f"q{n}": tuple(draw.randrange(2, VOCABULARY) for _ in range(draw.randint(2, 8))) for n in range(4)}
    found = {}
    for strategy, question in KEYS:
        response = tuple(draw.randrange(2, VOCABULARY) for _ in range(draw.randint(5, 11)))
        steps = tuple(number // 3 for number in range(len(response)))
        found[strategy, question] = (prompts[question], response, steps)
    return found


def scored(model, texts, metric, first=(BOS,)) -> dict:
    """What the tool makes of it: the metric's tables by way of the planner and the scorer."""
    tables = {}
    for need in table_needs([metric]):
        asked, count = [], 0
        for (_, question), (prompt, response, steps) in texts.items():
            prefix = first if isinstance(need.context, Alone) else prompt
            requests = []
            for before, start, stop in scored_spans(steps, need.context, len(response)):
                requests.append((start, ScoringRequest(prefix + response[before:start], response[start:stop], count)))
                count += 1
            asked.append(ResponseInContext(question, response, steps, tuple(requests), 0))
        requests = [request for one in asked for _, request in one.requests]
        scorer = ResponseScorer(model, [column for column in need.columns if column != "step"])
        with torch.inference_mode():
            passes = plan_passes(requests, max_tokens=60, form=choose_form(model.config))
            found = {
                one.index: one for number, batch in enumerate(passes) for one in scorer.predict_step(batch, number)
            }
        frames = [one.table(found).assign(strategy=key[0]) for key, one in zip(texts, asked, strict=True)]
        tables[need] = pd.concat(frames, ignore_index=True)
    return tables


def result(model, texts, metric) -> dict[tuple[str, str], float]:
    frame = metric.per_example(scored(model, texts, metric))
    return {(s, e): v for s, e, v in frame[["strategy", "example_id", "value"]].itertuples(index=False)}


def logprobs(model, prefix, response) -> np.ndarray:
    """Log-probabilities `[response tokens, vocabulary]` by one plain forward pass of one sequence."""
    with torch.no_grad():
        logits = model(torch.tensor([prefix + response])).logits[0, len(prefix) - 1 : -1]
    return logits.double().log_softmax(-1).numpy()


def own(model, prefix, response) -> np.ndarray:
    return logprobs(model, prefix, response)[np.arange(len(response)), response]


def test_rank_surprisal_ratio(model, texts):
    metric = RankSurprisalRatio(clip=20)
    expected, ranks, surprisals = {}, [], []
    for key, (prompt, response, _) in texts.items():
        every = logprobs(model, prompt, response)
        order = [sorted(row, reverse=True).index(row[token]) + 1 for row, token in zip(every, response, strict=True)]
        clipped, surprisal = [min(rank, 20) for rank in order], -own(model, prompt, response)
        expected[key] = sum(clipped) / surprisal.sum()
        ranks.append(np.mean(clipped))
        surprisals.append(surprisal.mean())
    assert min(ranks) < 18 < max(ranks)  # some ranks are clipped, not all
    assert result(model, texts, metric) == pytest.approx(expected, rel=1e-5)
    whole = value_of(metric, metric.per_example(scored(model, texts, metric)))
    assert whole == pytest.approx(sum(ranks) / sum(surprisals), rel=1e-5)


@pytest.mark.parametrize("of", ["losses", "perplexities"])
def test_ifd(model, texts, of):
    expected = {}
    for key, (prompt, response, _) in texts.items():
        given, alone = -own(model, prompt, response).mean(), -own(model, (BOS,), response).mean()
        expected[key] = given / alone if of == "losses" else np.exp(given) / np.exp(alone)
    assert result(model, texts, InstructionFollowingDifficulty(of=of)) == pytest.approx(expected, rel=1e-5)


def test_a_response_of_one_token_that_nothing_stands_before_has_no_ifd_and_is_named(model):
    texts = {("gpt4", "q0"): ((5, 6), (7, 8, 9), (0, 0, 0)), ("claude", "q0"): ((5, 6), (7,), (0,))}
    metric = InstructionFollowingDifficulty()
    assert len(metric.per_example(scored(model, texts, metric))) == 2
    with pytest.raises(UserError, match=r"ifd: 1 responses have one token only.* q0 of claude first"):
        metric.per_example(scored(model, texts, metric, first=()))


def test_lark(model, texts):
    loss, brier, outside = {}, {}, 0
    for key, (prompt, response, _) in texts.items():
        losses, briers = [], []
        for row, token in zip(np.exp(logprobs(model, prompt, response)), response, strict=True):
            top = np.argsort(row)[-50:].tolist()
            likely = dict.fromkeys(range(VOCABULARY), 0.0) | {v: row[v] / sum(row[top]) for v in top}
            losses.append(-np.log(row[token]))
            briers.append(sum((p - (v == token)) ** 2 for v, p in likely.items()))
            outside += token not in top
        loss[key], brier[key] = np.mean(losses), np.mean(briers)
    assert 0 < outside < sum(len(response) for _, response, _ in texts.values())
    expected = {}
    for strategy, question in texts:
        rivals = [key for key in texts if key[1] == question]
        total = sum(loss[key] for key in rivals)
        common = sum(brier[key] / loss[key] * loss[key] for key in rivals) / total
        key = (strategy, question)
        expected[key] = loss[key] / total * (2 * brier[key] / loss[key] - common)
    assert result(model, texts, Lark()) == pytest.approx(expected, rel=1e-5)


def test_entropy(model, texts):
    expected = {}
    for key, (prompt, response, _) in texts.items():
        every = logprobs(model, prompt, response)
        expected[key] = -(np.exp(every) * every).sum(axis=1).mean()
    assert result(model, texts, Entropy()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("window", [0, 1, 2])
def test_local_naturalness_reads_no_further_back_than_its_window(model, texts, window):
    expected = {}
    for key, (prompt, response, steps) in texts.items():
        means = []
        for step in range(max(steps) + 1):
            seen = tuple(t for t, s in zip(response, steps, strict=True) if step - window <= s < step)
            here = tuple(t for t, s in zip(response, steps, strict=True) if s == step)
            means.append(own(model, prompt + seen, here).mean())
        expected[key] = np.mean(means)
    metric = LocalNaturalness(window)
    assert metric.needs()[0].context == StepWise(window)
    assert result(model, texts, metric) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("n_heads", [1, 2])
def test_aslec(model, texts, n_heads):
    rows, dropped = [], {}
    for key, (prompt, response, steps) in texts.items():
        values = own(model, prompt, response)
        head = np.array([steps[:n].count(step) < n_heads for n, step in enumerate(steps)])
        dropped[key] = values[~head].mean()
        rows.append([1.0, values[~head].mean(), values[head].mean(), head.mean(), values.mean()])
    assert result(model, texts, AslecDrop(n_heads)) == pytest.approx(dropped, rel=1e-5)
    *causes, target = np.array(rows).T
    columns = np.array(causes).T
    gamma = np.linalg.solve(columns.T @ columns, columns.T @ target)[-1]
    expected = {key: row[-1] - gamma * row[-2] for key, row in zip(texts, rows, strict=True)}
    assert result(model, texts, AslecCasl(n_heads)) == pytest.approx(expected, rel=1e-3)


def test_a_mask_shifted_by_one_token_is_not_what_the_scorer_scores(model, texts):
    """The second computation, told to score from one token late, disagrees: these tests would notice."""
    found = result(model, texts, Entropy())
    for key, (prompt, response, _) in texts.items():
        late = logprobs(model, prompt + response[:1], response[1:])
        assert found[key] != pytest.approx(-(np.exp(late) * late).sum(axis=1).mean(), rel=1e-4)
