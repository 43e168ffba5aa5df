"""Every way to compute the attention of a packed row gives what each token sees, and nothing else."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sppl.scoring import attention
from sppl.scoring.attention import Layout, Segment, by_levels, kernel, masked, per_segment

HEADS, KEY_HEADS, WIDTH = 4, 2, 8


def flash(query, key, value, ends_q, ends_k, longest_q, longest_k, *, scale, window_size, return_aux, **grouped):
    """What `varlen_attn` computes on a GPU: every sequence of queries over its own keys, and the normalisers."""
    assert return_aux.lse
    outputs, norms = [], []
    for number in range(len(ends_q) - 1):
        own = query[ends_q[number] : ends_q[number + 1]].transpose(0, 1)
        keys, values = (
            part[ends_k[number] : ends_k[number + 1]].transpose(0, 1).repeat_interleave(HEADS // KEY_HEADS, 0)
            for part in (key, value)
        )
        assert own.shape[1] <= longest_q
        assert 0 < keys.shape[1] <= longest_k
        scores = own @ keys.transpose(1, 2) * (scale or WIDTH**-0.5)
        if window_size == (-1, 0):
            late = torch.ones(scores.shape[1:], dtype=torch.bool).triu(1)
            scores = scores.masked_fill(late, float("-inf"))
        norms.append(scores.logsumexp(-1))
        outputs.append((scores.softmax(-1) @ values).transpose(0, 1))
    return torch.cat(outputs), torch.cat(norms, 1)


@st.composite
def layouts(draw) -> tuple[list[Segment], int]:
    """Groups as the packer makes them: a prefix with its first response, then further responses to that prefix."""
    segments, place = [], 0
    for _ in range(draw(st.integers(1, 3))):
        prefix, trunk = draw(st.integers(0, 4)), place
        for number, length in enumerate(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))):
            stop = place + length + (prefix if number == 0 else 0)
            past = slice(trunk, trunk + (0 if number == 0 else prefix))
            segments.append(Segment(place, stop, past))
            place = stop
    return segments, draw(st.sampled_from([0, 0, 3]))


def token_by_token(query, key, value, cached, segments: list[Segment]) -> torch.Tensor:
    """The definition: for each token the softmax over all that it sees."""
    outputs = torch.zeros(query.shape[2], HEADS, WIDTH)
    keys, values = (part[0].repeat_interleave(HEADS // KEY_HEADS, 0) for part in (key, value))
    before = [part[0].repeat_interleave(HEADS // KEY_HEADS, 0) for part in cached]
    for start, stop, past in segments:
        for token in range(start, stop):
            seen = [*range(past.start, past.stop), *range(start, token + 1)]
            shown = torch.cat((before[0], keys[:, seen]), 1), torch.cat((before[1], values[:, seen]), 1)
            weights = (query[0, :, token, None] @ shown[0].transpose(1, 2) * WIDTH**-0.5).softmax(-1)
            outputs[token] = (weights @ shown[1])[:, 0]
    return outputs[None]


@pytest.mark.parametrize("run", [per_segment, masked, by_levels])
@settings(max_examples=40, deadline=None)
@given(drawn=layouts(), seed=st.integers(0, 9))
def test_each_token_attends_to_the_prefix_cache_its_past_and_its_own_segment(run, drawn, seed):
    segments, n_cached = drawn
    generator = torch.Generator().manual_seed(seed)

    def draw(heads: int, tokens: int) -> torch.Tensor:
        return torch.randn(1, heads, tokens, WIDTH, generator=generator)

    tokens = segments[-1].stop
    query, key, value = draw(HEADS, tokens), draw(KEY_HEADS, tokens), draw(KEY_HEADS, tokens)
    cached = draw(KEY_HEADS, n_cached), draw(KEY_HEADS, n_cached)
    layout = Layout(segments, {0: cached} if n_cached else {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "varlen_attn", flash)
        found = run(query, key, value, cached=cached, layout=layout, scaling=None)
    torch.testing.assert_close(found, token_by_token(query, key, value, cached, segments), atol=1e-5, rtol=1e-5)


def test_on_a_gpu_the_number_of_calls_does_not_depend_on_the_number_of_responses(monkeypatch):
    calls = []
    monkeypatch.setattr(attention, "varlen_attn", lambda *given, **named: (calls.append(1), flash(*given, **named))[1])
    for responses in (2, 50):
        segments = [Segment(0, 5, slice(0, 0))] + [Segment(5 + i, 6 + i, slice(0, 4)) for i in range(responses - 1)]
        query, key, value = (torch.randn(1, heads, segments[-1].stop, WIDTH) for heads in (HEADS, KEY_HEADS, KEY_HEADS))
        by_levels(query, key, value, cached=(key[:, :, :0], value[:, :, :0]), layout=Layout(segments, {}), scaling=None)
    assert len(calls) == 2 * 2


@pytest.mark.parametrize(
    ("device", "dtype", "width", "expected"),
    [
        ("cpu", torch.bfloat16, 64, "per_segment"),
        ("meta", torch.bfloat16, 64, "levels"),
        ("meta", torch.float16, 256, "levels"),
        ("meta", torch.bfloat16, 20, "masked"),
        ("meta", torch.bfloat16, 512, "masked"),
        ("meta", torch.float32, 64, "masked"),
    ],
)
def test_the_kernel_follows_from_device_type_and_width(device, dtype, width, expected):
    assert kernel(torch.empty(1, 2, 3, width, device=device, dtype=dtype)) == expected
