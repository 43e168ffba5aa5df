"""Entropy and the statistics of the 50 most likely tokens, taken while the logits are there."""

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from sppl.hardware.hardware import Hardware
from sppl.scoring import head
from sppl.scoring.columns import ExtraColumns
from sppl.scoring.head import token_statistics
from sppl.scoring.planner import plan_passes
from sppl.scoring.requests import ScoringRequest
from sppl.scoring.scorer import ResponseScorer
from sppl.scoring.shards import score_in_shards

COLUMNS = ("entropy", "top50_brier")


def model(vocabulary: int) -> LlamaForCausalLM:
    torch.manual_seed(0)
    size = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    return LlamaForCausalLM(LlamaConfig(vocab_size=vocabulary, **size)).eval().requires_grad_(False)


def further(llama, hidden, tokens, columns=COLUMNS) -> dict[str, np.ndarray]:
    taken = ExtraColumns(columns, len(tokens), torch.device("cpu"))
    token_statistics(llama, hidden, torch.tensor(tokens), taken)
    return taken.arrays()


def test_four_tokens_alike_have_entropy_ln_4_and_brier_three_quarters():
    llama = model(4)
    llama.lm_head.weight.zero_()
    found = further(llama, torch.ones(1, 8), [2])
    assert found["entropy"] == pytest.approx([np.log(4)])
    assert found["top50_brier"] == pytest.approx([0.75**2 + 3 * 0.25**2])


def test_a_token_beyond_the_50_likeliest_has_probability_0_and_the_last_of_them_has_not():
    llama = model(60)
    llama.lm_head.weight.zero_()
    llama.lm_head.weight[50:, 0] = -np.log(4)  # ten tokens a quarter as likely as the first fifty
    llama.lm_head.weight[49, 0] = -np.log(2)  # and the fiftieth half as likely
    first, fiftieth, beyond = (further(llama, torch.eye(8)[:1], [token])["top50_brier"] for token in (3, 49, 55))
    squares = 49 * (1 / 49.5) ** 2 + (0.5 / 49.5) ** 2
    assert first == pytest.approx([1 - 2 / 49.5 + squares])
    assert fiftieth == pytest.approx([1 - 2 * 0.5 / 49.5 + squares])
    assert beyond == pytest.approx([1 + squares])


def test_a_token_that_is_ruled_out_spoils_nothing():
    llama = model(4)
    llama.lm_head.weight.zero_()
    llama.lm_head.weight[3] = -1e38
    found = further(llama, torch.ones(1, 8) * 10, [0])
    assert found["entropy"] == pytest.approx([np.log(3)])
    assert np.isfinite(np.concatenate(list(found.values()))).all()


@pytest.mark.parametrize(("chunk", "block"), [(1, 1), (360, 120), (2**20, 2**10)])
def test_they_do_not_depend_on_how_many_logits_are_held(monkeypatch, chunk, block):
    llama, hidden, tokens = model(60), torch.randn(13, 8) * 30, list(range(13))
    whole = further(llama, hidden, tokens)
    monkeypatch.setattr(head, "CHUNK", chunk)
    monkeypatch.setattr(head, "BLOCK", block)
    parts = further(llama, hidden, tokens)
    for name in COLUMNS:
        np.testing.assert_allclose(parts[name], whole[name], atol=1e-5)


def test_asking_for_them_changes_no_log_probability():
    llama, hidden, tokens = model(60), torch.randn(7, 8) * 30, torch.arange(7)
    taken = ExtraColumns(COLUMNS, 7, torch.device("cpu"))
    for bare, rich in zip(
        token_statistics(llama, hidden, tokens), token_statistics(llama, hidden, tokens, taken), strict=True
    ):
        assert bare.tolist() == rich.tolist()


def test_only_what_is_asked_for_is_kept():
    assert list(further(model(4), torch.ones(1, 8), [2], ("entropy",))) == ["entropy"]


@pytest.mark.filterwarnings("default")
def test_they_are_kept_with_every_finished_pass_and_belong_to_their_request(tmp_path):
    llama = model(60)
    requests = [ScoringRequest((1, 2, n), tuple(range(3, 5 + n)), n) for n in range(4)]
    passes = plan_passes(requests, max_tokens=8, form="tree")
    scorer = ResponseScorer(llama, COLUMNS)
    first = score_in_shards(Hardware("cpu", lightning={"enable_progress_bar": False}), scorer, passes, tmp_path)
    again = score_in_shards(lambda **_: pytest.fail("nothing is left to run"), scorer, passes, tmp_path)
    assert len(passes) > 1
    for request in requests:
        hidden = llama.base_model(torch.tensor([request.prefix + request.response])).last_hidden_state[0, 2:-1]
        expected = further(llama, hidden, list(request.response))
        for name in COLUMNS:
            np.testing.assert_allclose(first[request.index].further[name], expected[name], atol=1e-5)
            assert again[request.index].further[name].tolist() == first[request.index].further[name].tolist()


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("damage", [lambda raw: raw[:-30], lambda raw: raw[:200] + bytes([raw[200] ^ 1]) + raw[201:]])
def test_a_pass_whose_file_was_cut_short_or_changed_is_run_again(tmp_path, damage):
    requests = [ScoringRequest((1, 2, n), tuple(range(3, 5 + n)), n) for n in range(4)]
    scorer = ResponseScorer(model(60), COLUMNS)
    passes = plan_passes(requests, max_tokens=8, form="tree")
    whole = score_in_shards(Hardware("cpu", lightning={"enable_progress_bar": False}), scorer, passes, tmp_path)
    hit = sorted(tmp_path.glob("*.npz"))[0]
    hit.write_bytes(damage(hit.read_bytes()))
    again = score_in_shards(Hardware("cpu", lightning={"enable_progress_bar": False}), scorer, passes, tmp_path)
    assert {at: one.logprobs.tolist() for at, one in again.items()} == {
        at: one.logprobs.tolist() for at, one in whole.items()
    }
