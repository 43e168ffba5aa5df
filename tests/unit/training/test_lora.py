import pytest
import torch
from peft import PeftModel
from transformers import LlamaConfig, LlamaForCausalLM

from sppl.schemas import UserError
from sppl.training.lora import Lora, add_lora

IDS = torch.tensor([[1, 2, 3, 4]])


def llama() -> LlamaForCausalLM:
    torch.manual_seed(0)
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    return LlamaForCausalLM(LlamaConfig(vocab_size=20, **size)).eval()


def trained(lora: Lora) -> PeftModel:
    """With a B that is no longer zero."""
    model = add_lora(llama(), lora)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            weight.data.normal_()
    return model.eval()


def test_fresh_adapters_change_no_output():
    torch.testing.assert_close(add_lora(llama(), Lora()).eval()(IDS).logits, llama()(IDS).logits)


def test_only_the_adapters_of_the_targets_are_trained():
    model = add_lora(llama(), Lora(rank=3, targets=("up_proj",)))
    sizes = {name: weight.numel() for name, weight in model.named_parameters() if weight.requires_grad}
    assert all("up_proj.lora_" in name for name in sizes)
    assert sum(sizes.values()) == 2 * 3 * (16 + 32)  # layers, rank, inputs and outputs


def test_the_update_is_alpha_over_rank_times_b_a():
    layer = trained(Lora(rank=4, alpha=10)).get_base_model().model.layers[0].self_attn.q_proj
    a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    x = torch.randn(2, 16)
    torch.testing.assert_close(layer(x), layer.base_layer(x) + 10 / 4 * x @ a.T @ b.T)


def test_a_merged_adapter_gives_the_unmerged_outputs():
    model = trained(Lora())
    apart = model(IDS).logits
    assert not torch.allclose(apart, llama()(IDS).logits, atol=1e-3)
    torch.testing.assert_close(model.merge_and_unload()(IDS).logits, apart, rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
def test_a_saved_adapter_gives_the_same_outputs_on_a_fresh_base(tmp_path):
    model = trained(Lora())
    model.save_pretrained(tmp_path)
    torch.testing.assert_close(PeftModel.from_pretrained(llama(), tmp_path).eval()(IDS).logits, model(IDS).logits)


def test_a_target_the_model_does_not_have_is_refused():
    with pytest.raises(UserError, match=r"names nowhere, of which LlamaForCausalLM has no .*; it has down_proj, "):
        add_lora(llama(), Lora(targets=("nowhere",)))
