"""What makes steps of small models fast changes no gradient: fused adapters, and batches filled up to few sizes."""

import pytest
import torch
from tiny import examples, llama
from transformers import AutoModelForCausalLM, GPTNeoXConfig, JetMoeConfig, LlamaConfig

from sppl.hardware.recording import can_record
from sppl.training.batches import collate
from sppl.training.fused_lora import fused_lora
from sppl.training.lora import Lora
from sppl.training.loss import summed_loss
from sppl.training.packing import packs
from sppl.training.recorded import RecordedLoss, drops_something, fill, recordable, round_up_size

EVERYWHERE = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def adapted(**changes) -> torch.nn.Module:
    """A model whose adapters are not zero any more."""
    model = llama(Lora(rank=4, alpha=8, targets=EVERYWHERE), **changes)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    return model


def gradients(model, batch) -> dict[str, torch.Tensor]:
    model.zero_grad()
    summed_loss(model, batch).backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}


@pytest.mark.parametrize("bias", [False, True])
def test_fused_adapters_give_pefts_loss_and_gradients(bias):
    model, batch = adapted(attention_bias=bias), collate([[one] for one in examples(5)], 10)
    loss, expected = summed_loss(model, batch), gradients(model, batch)
    with fused_lora(model) as count:
        assert count == 2 * len(EVERYWHERE)
        torch.testing.assert_close(summed_loss(model, batch), loss)
        found = gradients(model, batch)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-5)


def test_fused_adapters_on_frozen_bfloat16_weights_get_float32_gradients_close_to_autocasts():
    model, batch = adapted(), collate([[one] for one in examples(5)], 10)
    for weight in model.parameters():
        weight.data = weight.data if weight.requires_grad else weight.data.bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        expected = gradients(model, batch)
    with fused_lora(model):
        found = gradients(model, batch)
    for name, gradient in expected.items():
        assert found[name].dtype == torch.float32
        assert (found[name] - gradient).norm() <= 0.1 * gradient.norm()


def test_adapters_with_dropout_are_left_to_peft_and_all_are_given_back():
    model = llama(Lora(rank=4, alpha=8, dropout=0.1))
    with fused_lora(model) as count:
        assert count == 0
    model = adapted()
    with fused_lora(model):
        pass
    assert not any("forward" in vars(part) for part in model.modules())


def test_a_recorded_batch_of_another_size_adds_the_gradients_of_the_batch_itself():
    model = adapted()
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    small, large = (collate([[one] for one in examples(6, seed=seed)], 30) for seed in (1, 2))
    assert small["input_ids"].shape != large["input_ids"].shape
    expected = [gradients(model, batch) for batch in (large, small)]
    for weight in weights:
        weight.grad = torch.zeros_like(weight)
    recorded = RecordedLoss(lambda batch: summed_loss(model, batch), weights)
    assert recorded.backward(large) is None  # met for the first time: the caller does it
    for batch in (large, small):
        share = recorded.backward(batch)
        assert share is not None
        torch.testing.assert_close(share, summed_loss(model, batch).detach() / 30)
    named = {name: weight.grad for name, weight in model.named_parameters() if weight.requires_grad}
    for name, gradient in named.items():
        total = (expected[0][name] + expected[1][name]) / 30
        torch.testing.assert_close(gradient, total, rtol=1e-4, atol=1e-5)
    assert len(recorded.recorded) == 1


def test_filling_up_moves_what_is_read_to_the_same_tokens():
    batch = collate([[one] for one in examples(3)], 9)
    rows, width = batch["input_ids"].shape
    held = dict(batch, input_ids=torch.ones(rows, width + 5, dtype=torch.long))
    held |= {"where": torch.ones(40, dtype=torch.long), "labels": torch.ones(40, dtype=torch.long)}
    fill(held, batch)
    n = len(batch["where"])
    assert torch.equal(held["input_ids"].flatten()[held["where"][:n]], batch["input_ids"].flatten()[batch["where"]])
    assert (held["labels"][n:] == -100).all()


def test_sizes_are_few_and_at_most_half_as_large_again():
    sizes = {round_up_size(number) for number in range(1, 5000)}
    assert sorted(sizes)[:6] == [32, 48, 64, 96, 128, 192]
    assert len(sizes) < 18
    assert all(number <= round_up_size(number) <= max(32, 1.5 * number) for number in range(1, 5000))


def test_a_batch_uses_a_graph_that_is_a_little_larger_and_none_that_is_much_larger():
    recorded = RecordedLoss(lambda batch: torch.zeros(()), [])
    recorded.recorded = dict.fromkeys([(4, 96, 48), (4, 64, 48), (8, 64, 48)])  # pyright: ignore
    assert recorded._fitting((4, 64, 32)) == (4, 64, 48)
    assert recorded._fitting((4, 64, 48)) == (4, 64, 48)
    assert recorded._fitting((4, 96, 48)) == (4, 96, 48)
    assert recorded._fitting((4, 32, 48)) is None
    assert recorded._fitting((2, 64, 48)) is None


def test_only_small_models_on_cuda_in_which_nothing_is_random_are_recorded():
    assert not recordable(adapted())
    assert not recordable(llama().to("meta"))


def test_dropout_of_heads_that_a_causal_model_has_not_is_none_of_its_own():
    shape = {"vocab_size": 60, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1}
    shape |= {"num_attention_heads": 2}
    assert GPTNeoXConfig(**shape).classifier_dropout > 0
    assert not drops_something(AutoModelForCausalLM.from_config(GPTNeoXConfig(**shape)))
    assert drops_something(AutoModelForCausalLM.from_config(GPTNeoXConfig(**shape, hidden_dropout=0.1)))


TINY = {"num_hidden_layers": 1, "hidden_size": 16, "intermediate_size": 32, "vocab_size": 60, "num_attention_heads": 2}
DYNAMIC = {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0}
EXPERTS = {"num_key_value_heads": 2, "kv_channels": 8, "num_local_experts": 2, "num_experts_per_tok": 1}


@pytest.mark.parametrize(
    ("config", "can"),
    [
        (LlamaConfig(**TINY), True),
        (LlamaConfig(**TINY, rope_parameters=DYNAMIC), False),
        (JetMoeConfig(**{**TINY, **EXPERTS}), False),
    ],
    ids=["llama", "positions that change", "experts by what they get"],
)
def test_steps_that_wait_for_values_are_not_recorded(config, can):
    assert can_record(AutoModelForCausalLM.from_config(config)) == can


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_rounding_is_no_reason_not_to_pack(dtype):
    for seed in range(10):
        torch.manual_seed(seed)
        config = LlamaConfig(
            vocab_size=300, hidden_size=64, intermediate_size=128, num_hidden_layers=4, num_attention_heads=4
        )
        assert packs(AutoModelForCausalLM.from_config(config).to(dtype).eval())
