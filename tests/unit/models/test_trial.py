"""A way of running a model that its code refuses is not taken; a lack of memory is another matter."""

import pytest
import torch

from sppl.models.trial import try_model
from sppl.scoring import forms


@pytest.mark.parametrize(
    "error", [RuntimeError("shapes"), NotImplementedError(), AssertionError(), ZeroDivisionError(), KeyError("x")]
)
def test_whatever_a_model_raises_the_way_is_not_taken_and_a_line_says_so(error, caplog):
    def trial():
        raise error

    caplog.set_level("INFO")
    assert try_model(torch.nn.Linear(1, 1), "two rows", trial) is None
    assert "Linear cannot run two rows" in caplog.text


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("full"), MemoryError()])
def test_a_lack_of_memory_is_no_answer(error):
    def trial():
        raise error

    with pytest.raises(type(error)):
        try_model(torch.nn.Linear(1, 1), "two rows", trial)


def test_a_model_whose_packed_rows_end_in_a_runtime_error_is_scored_with_padding(monkeypatch):
    from transformers import LlamaConfig, LlamaForCausalLM

    def fails(*_):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    shape = {"vocab_size": 20, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1}
    model = LlamaForCausalLM(LlamaConfig(num_attention_heads=2, **shape)).eval()
    monkeypatch.setattr(forms, "packed_states", fails)
    assert forms.exact_form(model, "tree") == "padded"
