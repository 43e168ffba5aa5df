"""A model answers in batches unless padding changes its answers; the rounding of 16 bits is no reason not to."""

import logging

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from sppl.generation.batch_trial import decode_alone, decoder_of
from sppl.generation.decoding import decode
from sppl.schemas import UserError


class ReadsPadding(LlamaForCausalLM):
    """Like models that keep a state: what stands on the left is read, padding or not."""

    def forward(self, *args, attention_mask=None, **rest):
        everything = None if attention_mask is None else torch.ones_like(attention_mask)
        return super().forward(*args, attention_mask=everything, **rest)


class RoundsOneRow(LlamaForCausalLM):
    """In a batch the row of the shortest prompt is off by 8 %, as was seen of SmolLM2 with an adapter in bfloat16."""

    def forward(self, input_ids, **rest):
        out = super().forward(input_ids, **rest)
        assert out.logits is not None
        if len(input_ids) == 4:
            out.logits[3] *= 1.08
        return out


class ReadsNoCache(LlamaForCausalLM):
    """Forgets what it has read before."""

    def forward(self, input_ids, past_key_values=None, **rest):
        kept = past_key_values is not None and past_key_values.get_seq_length() > 0
        out = super().forward(input_ids, past_key_values=past_key_values, **rest)
        assert out.logits is not None
        out.logits.mul_(0.5 if kept else 1.0)
        return out


def model_of(kind: type, dtype: torch.dtype, vocabulary: int = 3000) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
        initializer_range=0.6,
    )  # fmt: skip
    return kind(config).to(dtype).eval()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("vocabulary", [8, 60, 3000])
def test_a_model_that_reads_no_padding_answers_in_batches(dtype, vocabulary):
    assert decoder_of(model_of(LlamaForCausalLM, dtype, vocabulary)) is decode


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_model_that_reads_padding_answers_one_prompt_at_a_time_and_the_log_says_how_far_off_a_batch_is(dtype, caplog):
    with caplog.at_level(logging.WARNING):
        assert decoder_of(model_of(ReadsPadding, dtype)) is decode_alone
    assert "ReadsPadding answers one prompt at a time, which is slow: a batch of prompts changes its logits by" in (
        caplog.text
    )


def test_one_row_that_rounding_moves_does_not_end_batches_in_16_bits(caplog):
    assert decoder_of(model_of(RoundsOneRow, torch.bfloat16)) is decode
    assert not caplog.text
    assert decoder_of(model_of(RoundsOneRow, torch.float32)) is decode_alone


def test_a_model_that_forgets_what_it_has_read_is_refused():
    with pytest.raises(UserError, match="its answers cannot be relied on"):
        decoder_of(model_of(ReadsNoCache, torch.float32))
