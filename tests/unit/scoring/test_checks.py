"""What a model must be, tried on the very model: causal, finite, and nothing after its head that is not known."""

import pytest
import torch
from transformers import AutoModelForCausalLM, BertConfig, LlamaConfig, MptConfig

from sppl.schemas import UserError
from sppl.scoring.model_checks import check_model
from sppl.training.lora import Lora, add_lora

SHAPE = {"vocab_size": 40, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}


def model_of(config) -> torch.nn.Module:
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config).eval()


@pytest.fixture
def llama():
    return model_of(LlamaConfig(**SHAPE, initializer_range=0.4))


def test_a_causal_model_is_fine_bare_or_with_adapters_and_left_in_its_mode(llama):
    check_model(llama)
    worn = add_lora(llama, Lora()).train()
    check_model(worn)
    assert worn.training


def test_a_model_whose_head_has_a_scale_it_does_not_use_is_fine():
    check_model(model_of(MptConfig(d_model=16, n_heads=4, n_layers=2, vocab_size=40, max_seq_len=32)))


@pytest.mark.filterwarnings("ignore:.*standalone.*")
def test_a_model_that_reads_ahead_is_refused():
    with pytest.raises(UserError, match=r"BertLMHeadModel is no causal language model: .* the tokens after it"):
        check_model(model_of(BertConfig(**SHAPE, initializer_range=0.4)))


def test_a_model_that_changes_its_logits_in_an_unknown_way_is_refused(llama):
    llama.register_forward_hook(lambda model, args, output: output.__setitem__("logits", output["logits"] * 2))
    with pytest.raises(UserError, match="LlamaForCausalLM changes its logits"):
        check_model(llama)


@pytest.mark.parametrize("out", [-torch.inf, torch.finfo(torch.float32).min])
def test_so_is_one_that_rules_tokens_out_besides_or_only_that(llama, out):
    """A share of an infinite norm would be no measure of a change."""

    def rule_out(model, args, output):
        output["logits"] = output["logits"].clone()
        output["logits"][..., -3:] = out

    llama.register_forward_hook(rule_out)
    with pytest.raises(UserError, match="LlamaForCausalLM changes its logits"):
        check_model(llama)
    llama.register_forward_hook(lambda model, args, output: output.__setitem__("logits", output["logits"] * 3))
    with pytest.raises(UserError, match="LlamaForCausalLM changes its logits"):
        check_model(llama)


def test_a_model_that_computes_no_numbers_is_refused_with_a_wider_dtype(llama):
    llama.half()
    llama.model.layers[0].mlp.up_proj.weight.data.fill_(60000.0)
    llama.model.layers[0].mlp.gate_proj.weight.data.fill_(60000.0)
    with pytest.raises(UserError, match=r"no finite numbers in float16; try target_model.dtype=bfloat16 or float32"):
        check_model(llama)
