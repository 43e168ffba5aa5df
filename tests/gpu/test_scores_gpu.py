"""Scores on a GPU are those of one response at a time, in every form and dtype."""

import logging

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from sppl.scoring.requests import ScoringRequest
from sppl.scoring.scorer import ResponseScorer, pass_cost, tokens_at_once

log = logging.getLogger(__name__)
SHAPE = {
    "vocab_size": 500, "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 512, "initializer_range": 0.2,
}  # fmt: skip


def model_of(kind: str, dtype: torch.dtype, device: torch.device):
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(**SHAPE)) if kind == "llama" else Qwen2ForCausalLM(Qwen2Config(**SHAPE))
    return model.to(device, dtype).eval()


def requests(n_questions: int = 6, n_responses: int = 7) -> list[ScoringRequest]:
    draw = np.random.default_rng(0)

    def ids(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw.integers(0, 500, draw.integers(low, high)).tolist())

    start = ids(90, 91)  # a long beginning that all prompts share
    return [
        ScoringRequest(start + prefix, response)
        for prefix in [ids(1, 60) for _ in range(n_questions)]
        for response in [ids(1, 50) for _ in range(n_responses)]
    ] + [ScoringRequest((), ids(2, 30)) for _ in range(4)]


def alone(model, request: ScoringRequest) -> np.ndarray:
    ids = torch.tensor([request.prefix + request.response], device=model.device)
    with torch.inference_mode():
        logprobs = model(input_ids=ids).logits[0, :-1].float().log_softmax(-1)
    own = logprobs.gather(1, ids[0, 1:, None])[:, 0].cpu().numpy()
    return own[len(own) - request.n_scored :]


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
@pytest.mark.parametrize("form", ["tree", "prefix_cache", "padded"])
@pytest.mark.parametrize("max_tokens", [300, 100_000])
def test_every_form_scores_as_one_by_one_in_float32(kind, form, max_tokens, device):
    model, asked = model_of(kind, torch.float32, device), requests()
    scorer = ResponseScorer(model, form=form)
    assert scorer.form == form
    for request, (logprobs, _) in zip(asked, scorer.score(asked, max_tokens=max_tokens), strict=True):
        assert abs(logprobs.mean() - alone(model, request).mean()) < 1e-5


@pytest.mark.parametrize("form", ["tree", "prefix_cache", "padded"])
@pytest.mark.parametrize("max_tokens", [300, 100_000])
def test_bfloat16_scores_differ_from_one_by_one_by_their_rounding_only(form, max_tokens, device):
    model, asked = model_of("llama", torch.bfloat16, device), requests()
    exact = model_of("llama", torch.bfloat16, device).float()
    scored = ResponseScorer(model, form=form).score(asked, max_tokens=max_tokens)
    ours = np.array([logprobs.mean() for logprobs, _ in scored])
    plain, true = (np.array([alone(one, request).mean() for request in asked]) for one in (model, exact))
    distances = [float(np.abs(found - true).mean()) for found in (ours, plain)]
    log.info("bfloat16, %s: mean distance from float32 %.4f, one by one %.4f", form, *distances)
    assert distances[0] < 2 * distances[1] + 1e-3


def test_a_pass_that_does_not_fit_into_memory_is_scored_in_halves(device, caplog):
    if device.type != "cuda":
        pytest.skip("only CUDA runs out of memory so gently")
    torch.manual_seed(0)
    size = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 4, "num_attention_heads": 16}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=1000, **size)).to(device, torch.bfloat16).eval()
    asked = [ScoringRequest(tuple(range(1, 200)), tuple((7 * i + j) % 1000 for j in range(200))) for i in range(300)]
    scorer = ResponseScorer(model)
    expected = scorer.score(asked, max_tokens=2000)
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 900 * 2**20) / total, device)
    try:
        found = scorer.score(asked, max_tokens=100_000)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)
    assert "out of memory" in caplog.text
    assert scorer.max_tokens < 100_000
    for (logprobs, _), (other, _) in zip(found, expected, strict=True):
        assert abs(logprobs.mean() - other.mean()) < 0.05


def test_passes_on_a_gpu_are_larger_and_fewer_than_on_a_cpu(device):
    model = model_of("llama", torch.bfloat16, device)
    assert tokens_at_once(model, device) == (65_536 if device.type == "cuda" else 4096)
    assert tokens_at_once(model.float(), device) == 4096
    assert tokens_at_once(model.cpu(), device) == tokens_at_once(model.to(device), device)  # wherever it lies now
    assert pass_cost(model, device) == (8192 if device.type == "cuda" else 0)
