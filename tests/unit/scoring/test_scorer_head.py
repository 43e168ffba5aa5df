import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, CohereConfig, Gemma2Config, GraniteConfig, LlamaConfig, LlamaForCausalLM

from sppl.scoring import head
from sppl.scoring.head import token_statistics

SHAPE = {
    "vocab_size": 11, "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
    "num_key_value_heads": 1, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": None,
}  # fmt: skip


@pytest.fixture
def llama() -> LlamaForCausalLM:
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(**SHAPE)).eval().requires_grad_(False)


def test_two_logits_apart_by_ln_3_are_one_quarter_and_three_quarters(llama):
    llama.lm_head.weight.zero_()
    llama.lm_head.weight[2:] = -1000.0
    llama.lm_head.weight[1, 0] = np.log(3)
    hidden = torch.eye(8)[:1].repeat(2, 1)
    logprobs, ranks = token_statistics(llama, hidden, torch.tensor([0, 1]))
    np.testing.assert_allclose(np.exp(logprobs), [0.25, 0.75], rtol=1e-6)
    assert ranks.tolist() == [2, 1]


def test_tokens_as_likely_share_the_better_rank(llama):
    llama.lm_head.weight.zero_()
    _, ranks = token_statistics(llama, torch.ones(3, 8), torch.tensor([0, 5, 10]))
    assert ranks.tolist() == [1, 1, 1]


def test_a_token_that_is_all_but_impossible_has_a_finite_log_probability(llama):
    llama.lm_head.weight.zero_()
    llama.lm_head.weight[1, 0] = 500.0
    logprobs, _ = token_statistics(llama, torch.eye(8)[:1], torch.tensor([0]))
    np.testing.assert_allclose(logprobs, [-500.0])


@pytest.mark.parametrize(("chunk", "block"), [(1, 1), (22, 11), (55, 33), (2**20, 2**10)])
def test_statistics_do_not_depend_on_how_many_logits_are_held(llama, monkeypatch, chunk, block):
    hidden, tokens = torch.randn(13, 8), torch.arange(13) % 11
    whole = token_statistics(llama, hidden, tokens)
    monkeypatch.setattr(head, "CHUNK", chunk)
    monkeypatch.setattr(head, "BLOCK", block)
    parts = token_statistics(llama, hidden, tokens)
    np.testing.assert_allclose(parts[0], whole[0], atol=1e-6)
    assert parts[1].tolist() == whole[1].tolist()


@pytest.mark.parametrize(
    "config",
    [
        GraniteConfig(**SHAPE, logits_scaling=4.0),
        CohereConfig(**SHAPE, logit_scale=0.5),
        Gemma2Config(**SHAPE, head_dim=4, final_logit_softcapping=0.01),
    ],
    ids=["granite", "cohere", "gemma2"],
)
def test_scales_and_caps_after_the_head_are_applied(config):
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    ids = torch.tensor([[1, 2, 3]])
    with torch.inference_mode():
        logprobs, _ = token_statistics(model, model.base_model(ids).last_hidden_state[0, :-1], ids[0, 1:])
        expected = model(ids).logits[0, :-1].log_softmax(-1).gather(1, ids[0, 1:, None])[:, 0]
    np.testing.assert_allclose(logprobs, expected, atol=1e-5)
