"""Training on a GPU: recorded steps, float32 adapters on bfloat16 weights, and going on after a stop."""

import logging
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "training"))
from tiny import QUIET, Stop, examples, llama, train

from sppl.hardware.hardware import Hardware
from sppl.training.lora import Lora
from sppl.training.training_settings import Training
from tests.gpu.conftest import ON_CPU

log = logging.getLogger(__name__)
EVERYWHERE = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PLACE = Hardware("cpu" if ON_CPU else "gpu", lightning=QUIET)


def settings(**changes) -> Training:
    lora = Lora(rank=4, alpha=8, targets=EVERYWHERE)
    return Training(
        **{"epochs": 6, "batch_size": 4, "learning_rate": 3e-3, "lora": lora, "precision": "bf16-mixed"} | changes
    )


def half() -> torch.nn.Module:
    model = llama(Lora(rank=4, alpha=8, targets=EVERYWHERE))
    for weight in model.parameters():
        weight.data = weight.data if weight.requires_grad else weight.data.bfloat16()
    return model


@pytest.mark.parametrize("lora", [True, False])
def test_recorded_steps_learn_what_plain_ones_learn(tmp_path, monkeypatch, lora):
    given = settings(precision="32-true", lora=settings().lora if lora else None)
    fast, fast_losses = train(given, tmp_path / "a", trainer=PLACE)
    monkeypatch.setattr("sppl.training.finetuner.recordable", lambda model: False)
    plain, plain_losses = train(given, tmp_path / "b", trainer=PLACE)
    assert fast_losses.keys() == plain_losses.keys()
    for step, loss in plain_losses.items():
        assert fast_losses[step] == pytest.approx(loss, rel=1e-3)
    for one, other in zip(fast.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one.cpu(), other.cpu(), rtol=1e-2, atol=1e-3)


def test_adapters_stay_in_float32_on_bfloat16_weights_and_learn_like_float32(tmp_path):
    model, losses = train(settings(), tmp_path / "a", model=half(), trainer=PLACE)
    assert {weight.dtype for weight in model.parameters() if weight.requires_grad} == {torch.float32}
    assert {weight.dtype for weight in model.parameters() if not weight.requires_grad} == {torch.bfloat16}
    _, exact = train(settings(precision="32-true"), tmp_path / "b", trainer=PLACE)
    assert losses[max(losses)] == pytest.approx(exact[max(exact)], rel=0.05)


def test_a_stopped_run_goes_on_to_the_weights_of_an_undisturbed_one(tmp_path):
    given, data = settings(), examples(21)
    whole, _ = train(given, tmp_path / "whole", model=half(), trainer=PLACE, data=data, save_seconds=0.0)
    with pytest.raises(Stop):
        train(given, tmp_path / "cut", model=half(), trainer=PLACE, data=data, save_seconds=0.0, stop=17)
    resumed, _ = train(given, tmp_path / "cut", model=half(), trainer=PLACE, data=data, save_seconds=0.0)
    pairs = [
        (one.detach().cpu(), other.detach().cpu())
        for one, other in zip(whole.parameters(), resumed.parameters(), strict=True)
        if one.requires_grad
    ]
    distance = max(float((one - other).abs().max()) for one, other in pairs)
    largest = max(float(one.abs().max()) for one, _ in pairs)
    log.info("after a stop a weight differs by at most %.2e (weights up to %.2f)", distance, largest)
    assert distance < 2e-3


def test_what_does_not_fit_into_memory_is_a_sentence(tmp_path):
    if ON_CPU:
        pytest.skip("only CUDA runs out of memory so gently")
    from sppl.schemas import UserError

    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(max(1e-4, torch.cuda.memory_reserved() / total + 1e-4), 0)
    try:
        with pytest.raises(UserError, match="The same steps in half the memory"):
            train(
                settings(lora=None, batch_size=512),
                tmp_path,
                data=examples(4000),
                trainer=PLACE,
                model=llama(hidden_size=256, intermediate_size=2048),
            )
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, 0)
