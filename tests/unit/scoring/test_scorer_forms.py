import copy
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    GemmaConfig,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MambaConfig,
    MistralConfig,
    Phi3Config,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2Config,
)

from sppl.scoring.forms import choose_form, exact_form
from sppl.scoring.planner import lower_bound, plan_passes
from sppl.scoring.requests import ScoringRequest
from sppl.scoring.scorer import ResponseScorer

VOCABULARY = 40
CONTEXT = 32

SHAPE = {
    "vocab_size": VOCABULARY, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
    "num_attention_heads": 4, "max_position_embeddings": CONTEXT, "initializer_range": 0.4,
    "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": None,
}  # fmt: skip

CONFIGS: dict[str, PreTrainedConfig] = {
    "llama": LlamaConfig(**SHAPE, num_key_value_heads=2),
    "qwen2": Qwen2Config(**SHAPE, num_key_value_heads=2),
    "mistral": MistralConfig(**SHAPE, num_key_value_heads=2, sliding_window=None),
    "mistral_sliding": MistralConfig(**SHAPE, num_key_value_heads=2, sliding_window=4),
    "gemma": GemmaConfig(**SHAPE, num_key_value_heads=1, head_dim=4),
    "gpt_neox": GPTNeoXConfig(**SHAPE),
}


def tiny(name: str) -> PreTrainedModel:
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(CONFIGS[name]).eval()


FULL = [name for name in CONFIGS if name != "mistral_sliding"]
SHARED = ["tree", "prefix_cache"]
model_of = cache(tiny)


@st.composite
def groups_of_requests(draw) -> list[ScoringRequest]:
    """Several questions, each with several responses; small ids make common beginnings and duplicates likely."""
    prefixes = draw(st.lists(token_lists(0, CONTEXT - 8), min_size=1, max_size=3))
    return [
        ScoringRequest(prefix, response)
        for prefix in prefixes
        for response in draw(st.lists(token_lists(1, 8), min_size=1, max_size=4))
    ]


def token_lists(shortest: int, longest: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.integers(0, 3), min_size=shortest, max_size=longest).map(tuple)


def alone(model, request: ScoringRequest) -> np.ndarray:
    """The definition: one row, all logits, the scored tokens taken out at the end."""
    ids = torch.tensor([request.prefix + request.response])
    with torch.inference_mode():
        logprobs = model(input_ids=ids).logits[0, :-1].float().log_softmax(-1)
    own = logprobs.gather(1, ids[0, 1:, None])[:, 0].numpy()
    return own[len(own) - request.n_scored :]


def assert_as_alone(model, requests: list[ScoringRequest], form, max_tokens) -> None:
    scored = ResponseScorer(model, form=form).score(requests, max_tokens=max_tokens)
    for request, (logprobs, ranks) in zip(requests, scored, strict=True):
        expected = alone(model, request)
        assert logprobs.shape == ranks.shape == expected.shape
        if expected.size:
            assert abs(logprobs.mean() - expected.mean()) < 1e-5
            np.testing.assert_allclose(logprobs, expected, atol=1e-4)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("form", ["auto", "padded", *SHARED])
@settings(max_examples=12, deadline=None)
@given(requests=groups_of_requests(), max_tokens=st.integers(1, 150))
def test_every_form_scores_as_one_by_one(name, form, requests, max_tokens):
    assert_as_alone(model_of(name), requests, form, max_tokens)


@pytest.mark.parametrize("form", ["padded", *SHARED])
@pytest.mark.parametrize("name", FULL)
def test_a_prompt_that_fills_the_context_is_scored_as_one_by_one(name, form):
    prompt = tuple(number % VOCABULARY for number in range(CONTEXT - 2))
    requests = [ScoringRequest(prompt, response) for response in [(1, 2), (3,), (3, 5), (3, 5)]]
    assert_as_alone(model_of(name), requests, form, 1000)


@pytest.mark.parametrize("form", ["padded", *SHARED])
@pytest.mark.parametrize("name", FULL)
@pytest.mark.parametrize("prefix", [(), (7, 1, 4)], ids=["empty", "prompt"])
def test_responses_that_begin_like_each_other_are_scored_as_one_by_one(name, form, prefix):
    requests = [ScoringRequest(prefix, (5, 6, 7, 8, 9)[:length]) for length in (5, 1, 3, 2, 4, 3)]
    for max_tokens in (4, 9, 1000):
        assert_as_alone(model_of(name), requests, form, max_tokens)


@pytest.mark.parametrize("name", FULL)
def test_full_attention_is_scored_in_the_tree_form(name):
    assert choose_form(CONFIGS[name]) == exact_form(model_of(name)) == "tree"


@pytest.mark.parametrize(
    "config",
    [
        CONFIGS["mistral_sliding"],
        Qwen2Config(use_sliding_window=True, sliding_window=4, max_window_layers=1, num_hidden_layers=2),
        Gemma2Config(num_hidden_layers=2),
        MambaConfig(),
        GPT2Config(),
        LlamaConfig(rope_parameters={"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}),
    ],
    ids=["mistral", "qwen2", "gemma2", "mamba", "gpt2", "dynamic"],
)
def test_sliding_windows_linear_attention_and_other_positions_are_padded(config):
    assert choose_form(config) == "padded"


def test_a_shared_form_asked_for_where_it_is_not_exact_is_refused_in_favour_of_padding(caplog):
    assert exact_form(model_of("mistral_sliding"), "tree") == "padded"
    assert "its shared forms are not exact" in caplog.text


@pytest.mark.parametrize("form", ["padded", *SHARED])
def test_the_model_reads_exactly_the_tokens_the_plan_predicts(form):
    model = tiny("llama")
    draw = np.random.default_rng(0)
    ids = [tuple(draw.integers(0, VOCABULARY, size).tolist()) for size in (9, 4, 12, 6, 3, 5, 1, 8)]
    requests = [
        ScoringRequest(prefix, response, i)
        for i, (prefix, response) in enumerate((p, r) for p in ids[:3] for r in ids[3:])
    ]
    scorer, read = ResponseScorer(model), []
    model.get_input_embeddings().register_forward_hook(lambda layer, args, output: read.append(args[0].numel()))
    for max_tokens in (20, 1000):
        read.clear()
        passes = plan_passes(requests, max_tokens=max_tokens, form=form)
        for number, one in enumerate(passes):
            scorer.predict_step(one, number)
        assert sum(read) == sum(one.tokens for one in passes)
        assert max(read) <= max_tokens
    assert form == "padded" or sum(read) == lower_bound(requests)


@pytest.mark.parametrize("form", ["padded", *SHARED])
def test_half_precision_weights_give_float32_statistics_close_to_one_by_one(form):
    model = tiny("llama").to(torch.bfloat16)
    requests = [ScoringRequest((1, 2, 3, 4), response) for response in [(5, 6, 7), (8, 9), (5, 6)]]
    scored = ResponseScorer(model, form=form).score(requests, max_tokens=99)
    for request, (logprobs, _) in zip(requests, scored, strict=True):
        assert logprobs.dtype == np.float32
        np.testing.assert_allclose(logprobs, alone(model, request), atol=0.2)


def test_the_model_keeps_its_own_attention():
    model = tiny("llama")
    before = model.config._attn_implementation
    ResponseScorer(model, form="tree").score([ScoringRequest((1, 2), (3, 4))], max_tokens=9)
    assert model.config._attn_implementation == before


@pytest.mark.parametrize("form", ["padded", *SHARED])
def test_out_of_memory_halves_the_pass_and_later_ones_like_it(form, monkeypatch, caplog):
    model, limit = tiny("llama"), 10
    requests = [
        ScoringRequest((prefix,) * 6, (1, 2, response, 3), prefix * 9 + response)
        for prefix in range(4)
        for response in range(4)
    ]
    expected = ResponseScorer(model, form="padded").score(requests, max_tokens=1000)
    forward = model.model.forward

    def small(input_ids, **rest):
        if input_ids.numel() > limit:
            raise torch.OutOfMemoryError(f"{input_ids.numel()} tokens")
        return forward(input_ids=input_ids, **rest)

    scorer = ResponseScorer(model)
    monkeypatch.setattr(model.model, "forward", small)
    scored = [one for batch in plan_passes(requests, max_tokens=60, form=form) for one in scorer.predict_step(batch, 0)]
    found = {one.index: one.logprobs for one in scored}
    for request, (logprobs, _) in zip(requests, expected, strict=True):
        np.testing.assert_allclose(found[request.index], logprobs, atol=1e-5)
    assert scorer.max_tokens is not None
    assert scorer.max_tokens < 2 * limit
    assert 1 <= caplog.text.count("out of memory") <= 3


def test_a_single_request_that_does_not_fit_says_what_to_do(monkeypatch):
    model = tiny("llama")
    scorer = ResponseScorer(model)

    def full(input_ids, **rest):
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(model.model, "forward", full)
    (only,) = plan_passes([ScoringRequest((1, 2), (3, 4))], max_tokens=10, form="padded")
    with pytest.raises(torch.OutOfMemoryError) as error:
        scorer.predict_step(only, 0)
    assert "smaller dtype" in error.value.__notes__[0]


ORIGINAL = 12
LONGROPE = {
    "rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0, 1.1], "long_factor": [3.0, 9.0],
    "original_max_position_embeddings": ORIGINAL,
}  # fmt: skip
BY_LENGTH: dict[str, PreTrainedConfig] = {
    "longrope": LlamaConfig(**SHAPE, rope_parameters=LONGROPE),
    "phi3": Phi3Config(**SHAPE, rope_parameters=LONGROPE, original_max_position_embeddings=ORIGINAL),
    "dynamic": LlamaConfig(
        **SHAPE | {"max_position_embeddings": ORIGINAL},
        rope_parameters={"rope_type": "dynamic", "factor": 4.0, "rope_theta": 10000.0},
    ),
}


@pytest.mark.parametrize("name", BY_LENGTH)
@pytest.mark.parametrize("form", ["auto", "tree"])
def test_where_positions_change_with_the_length_short_and_long_rows_are_each_scored_as_one_by_one(name, form):
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(BY_LENGTH[name]).eval()
    draw = np.random.default_rng(0)
    sizes = [(3, 5), (9, 3), (9, 4), (20, 8), (2, 10), (8, 5), (14, 1), (20, 4)]  # ORIGINAL is reached by the third
    requests = [
        ScoringRequest(
            tuple(draw.integers(0, VOCABULARY, prompt).tolist()), tuple(draw.integers(0, VOCABULARY, n).tolist())
        )
        for prompt, n in sizes
    ]
    expected = [alone(copy.deepcopy(model), request) for request in requests]
    for max_tokens in (1, 30, 1000):
        scored = ResponseScorer(model, form=form).score(requests, max_tokens=max_tokens)
        for (logprobs, _), wanted in zip(scored, expected, strict=True):
            np.testing.assert_allclose(logprobs, wanted, atol=1e-4)
    mixed = torch.tensor([list(requests[0].prefix + requests[0].response) + [0] * 20])
    with torch.inference_mode():  # the short row among long ones would have had other scores
        wrong = model(input_ids=mixed).logits[0].log_softmax(-1)
    own = wrong[range(2, 7), list(requests[0].response)]
    assert abs(own.numpy() - expected[0]).max() > 1e-3
