import pytest
import torch
from tiny import VOCABULARY, Stop, examples, llama, same, train, weights
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from sppl.schemas import UserError
from sppl.training import loss as loss_module
from sppl.training.batches import Example, Steps, collate
from sppl.training.finetuner import learning_rate_share
from sppl.training.lora import Lora
from sppl.training.loss import summed_loss
from sppl.training.training_settings import Training

FAST = Training(epochs=2, batch_size=4, learning_rate=1e-2)


def plain(model, example: Example) -> float:
    """The definition: transformers' own loss of one example, times its number of response tokens."""
    ids = torch.tensor([example.prompt + example.response])
    labels = torch.tensor([(-100,) * len(example.prompt) + example.response])
    return model(input_ids=ids, labels=labels).loss.item() * len(example.response)


def test_the_loss_is_that_of_the_response_tokens_whatever_the_layout():
    model, data = llama(), examples(9)
    expected = sum(plain(model, example) for example in data)
    for batching in ("padded", "packed"):
        for one_row in (False, True):
            (step,) = Steps(data, 4, 3, batching=batching, one_row=one_row)
            found = sum(summed_loss(model, batch).item() for batch in step)
            assert found == pytest.approx(expected, rel=1e-6), (batching, one_row)


FAMILIES = [
    (Qwen2ForCausalLM, Qwen2Config, {}),
    (MistralForCausalLM, MistralConfig, {"sliding_window": 4}),
    (Gemma2ForCausalLM, Gemma2Config, {"final_logit_softcapping": 2.0, "head_dim": 4, "sliding_window": 4}),
]


@pytest.mark.parametrize(("model_class", "config", "changes"), FAMILIES, ids=lambda part: getattr(part, "__name__", ""))
def test_packed_examples_do_not_see_each_other_in_any_family(model_class, config, changes):
    torch.manual_seed(0)
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    model = model_class(
        config(
            vocab_size=VOCABULARY, num_key_value_heads=2, max_position_embeddings=64, pad_token_id=0, **size | changes
        )
    ).eval()
    data = examples(6)
    for batching in ("padded", "packed"):
        (step,) = Steps(data, 6, batching=batching)
        found = summed_loss(model, step[0]).item()
        assert found == pytest.approx(sum(plain(model, example) for example in data), rel=1e-6)


def test_a_loss_in_pieces_has_the_same_value_and_gradient(monkeypatch):
    (step,) = Steps(examples(6), 6)
    found = []
    for chunk in (2**26, 5 * VOCABULARY):
        monkeypatch.setattr(loss_module, "CHUNK", {"cpu": chunk})
        model = llama()
        value = summed_loss(model, step[0])
        value.backward()
        found.append([value, *(weight.grad for weight in model.parameters())])
    for whole, pieces in zip(*found, strict=True):
        torch.testing.assert_close(whole, pieces)


def test_training_learns_its_examples(tmp_path):
    data = examples(4)
    model, losses = train(Training(epochs=60, batch_size=4, learning_rate=2e-2, warmup=0), tmp_path, data=data)
    assert losses[1] > 3.5
    assert losses[60] < 0.5
    batch = collate([[example] for example in data], 1)
    assert summed_loss(model, batch).item() / sum(len(e.response) for e in data) < 0.5


def test_lora_trains_its_adapters_only(tmp_path):
    before = weights(llama(Lora(rank=2)))
    model, _ = train(Training(epochs=1, batch_size=4, learning_rate=1e-2, lora=Lora(rank=2)), tmp_path)
    changed = {name for name, weight in model.state_dict().items() if not torch.equal(weight, before[name])}
    assert changed == {name for name in before if "lora_" in name}
    assert len(changed) == 2 * 2 * 2  # layers, targets, A and B


def test_accumulation_is_one_big_batch(tmp_path):
    big, big_losses = train(Training(epochs=2, batch_size=8, learning_rate=1e-2), tmp_path / "a")
    small, small_losses = train(Training(epochs=2, batch_size=2, accumulate=4, learning_rate=1e-2), tmp_path / "b")
    assert list(small_losses.values()) == pytest.approx(list(big_losses.values()), rel=1e-5)
    for one, other in zip(small.parameters(), big.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("change", [{"batching": "packed"}, {"activation_checkpointing": True}], ids=str)
def test_packing_and_recomputing_activations_change_no_loss(tmp_path, change):
    settings = {"epochs": 2, "batch_size": 4, "learning_rate": 1e-2, "lora": Lora(rank=2)}
    _, expected = train(Training(**settings), tmp_path / "a")
    _, found = train(Training(**settings, **change), tmp_path / "b")
    assert list(found.values()) == pytest.approx(list(expected.values()), rel=1e-5)


def test_the_seed_decides_order_and_dropout_and_nothing_else_does(tmp_path):
    training = Training(epochs=1, batch_size=4, learning_rate=1e-2, lora=Lora(rank=2, dropout=0.5))
    one, _ = train(training, tmp_path / "a", seed=1)
    torch.rand(7)
    again, _ = train(training, tmp_path / "b", seed=1)
    other, _ = train(training, tmp_path / "c", seed=2)
    assert same(one, again)
    assert not same(one, other)


@pytest.mark.parametrize("precision", ["bf16-true", "bf16-mixed"])
def test_sixteen_bits_follow_the_losses_of_thirty_two(tmp_path, precision):
    _, expected = train(FAST, tmp_path / "a")
    model, found = train(Training(epochs=2, batch_size=4, learning_rate=1e-2, precision=precision), tmp_path / "b")
    assert list(found.values()) == pytest.approx(list(expected.values()), rel=0.05)
    assert {weight.dtype for weight in model.parameters()} == {
        torch.bfloat16 if precision == "bf16-true" else torch.float32
    }


def test_the_best_weights_are_those_after_the_epoch_with_the_smallest_validation_loss(tmp_path):
    settings = {"batch_size": 4, "learning_rate": 3e-2, "warmup": 0, "schedule": "constant"}
    data, held_out = examples(12), examples(5, seed=9)
    after = [
        train(Training(epochs=n, **settings), tmp_path / str(n), data=data)[0] for n in range(1, 4)
    ]  # a constant rate: shorter runs are the beginnings of longer ones
    losses = [sum(plain(model, example) for example in held_out) for model in after]
    best, _ = train(Training(epochs=3, select="best", **settings), tmp_path / "best", data=data, validation=held_out)
    assert losses.index(min(losses)) < 2
    assert same(best, after[losses.index(min(losses))])


def test_best_weights_without_validation_examples_are_refused(tmp_path):
    with pytest.raises(UserError, match="select=final"):
        train(Training(select="best"), tmp_path)


def test_sixteen_mixed_on_a_cpu_is_refused(tmp_path):
    with (
        pytest.warns(UserWarning, match="not supported on CPU"),
        pytest.raises(UserError, match="precision=32-true or bf16-mixed"),
    ):
        train(Training(precision="16-mixed"), tmp_path)


def test_a_loss_that_is_not_finite_stops_with_step_and_examples_and_keeps_the_last_checkpoint(tmp_path):
    with pytest.raises(Stop):
        train(FAST, tmp_path, stop=2, save_seconds=0)
    good = sorted(path.name for path in tmp_path.iterdir())
    broken = llama()
    data = examples(21)
    third = {example.id for example in Steps(data, 4, seed=3).order(0)[2]}

    def spoil(module, inputs):
        return (inputs[0] * float("nan"),)

    broken.get_output_embeddings().register_forward_pre_hook(spoil)
    with pytest.raises(UserError, match="gradient of step 3 of 12 is not finite") as caught:
        train(FAST, tmp_path, model=broken, save_seconds=0)
    assert all(name in str(caught.value) for name in third)
    assert sorted(path.name for path in tmp_path.iterdir()) == good


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_too_little_memory_says_how_to_need_less_and_keeps_the_last_checkpoint(tmp_path, error):
    with pytest.raises(Stop):
        train(FAST, tmp_path, stop=2, save_seconds=0)
    good = sorted(path.name for path in tmp_path.iterdir())
    model = llama()

    def fail(module, inputs):
        raise error

    model.get_output_embeddings().register_forward_pre_hook(fail)
    with pytest.raises(UserError, match=r"out of memory in step 3 of 12.*batch_size=2 training.accumulate=2;"):
        train(FAST, tmp_path, model=model, save_seconds=0)
    assert sorted(path.name for path in tmp_path.iterdir()) == good


def test_an_error_that_is_not_about_memory_stays_what_it_is(tmp_path):
    model = llama()
    model.get_output_embeddings().register_forward_pre_hook(lambda module, inputs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train(FAST, tmp_path, model=model)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"schedule": "cosin"}, "schedule='cosin' .one of cosine, linear, constant"),
        ({"precision": "fp16"}, "precision='fp16' .one of 32-true, bf16-true, bf16-mixed, 16-mixed"),
        ({"epochs": 0, "accumulate": -1}, "epochs=0 .a whole number above 0.; accumulate=-1"),
        ({"warmup": 1.0}, "warmup=1.0 .a fraction, from 0 to below 1"),
        ({"learning_rate": 0.0}, "learning_rate=0.0 .a number above 0"),
        ({"clip": -1.0}, "clip=-1.0"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_used_are_all_named_with_what_there_is(wrong, why):
    with pytest.raises(UserError, match=why):
        Training(**wrong)


def test_an_only_step_learns_at_the_full_rate(tmp_path):
    assert learning_rate_share(0, 1, Training(warmup=0.5)) == 1
    assert [learning_rate_share(step, 2, Training(warmup=0.5)) for step in range(2)] == [0, 1]
    before = weights(llama())
    model, _ = train(Training(epochs=1, batch_size=64, learning_rate=1e-2, warmup=0.1), tmp_path)
    assert not any(torch.equal(before[name], weight) for name, weight in model.named_parameters())


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [0, 0.5, 1, 1, 1, 1, 1, 1, 1, 1]),
        ("linear", [0, 0.5, 1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]),
        ("cosine", [0, 0.5, 1, 0.9619, 0.8536, 0.6913, 0.5, 0.3087, 0.1464, 0.0381]),
    ],
)
def test_the_learning_rate_warms_up_and_falls(schedule, expected):
    training = Training(schedule=schedule, warmup=0.2)
    assert [learning_rate_share(step, 10, training) for step in range(10)] == pytest.approx(expected, abs=1e-4)
