"""What is trained is kept in float32, so that small steps on 16-bit weights are not swallowed."""

import pytest
import torch
from tiny import llama, train

from sppl.training.lora import Lora
from sppl.training.training_settings import Training

LORA = Lora(rank=4, alpha=8, targets=("q_proj", "v_proj"))


def moved(folder, precision: str, lora: Lora | None, learning_rate: float) -> float:
    """How far 200 steps move the weights of a bfloat16 model, on average over those trained."""
    model = llama(lora)
    for weight in model.parameters():
        weight.data = weight.data.bfloat16()
    before = [weight.detach().float().clone() for weight in model.parameters() if weight.requires_grad]
    given = {"epochs": 40, "batch_size": 5, "schedule": "constant", "warmup": 0.0, "learning_rate": learning_rate}
    if not lora:
        before = [weight.detach().float().clone() for weight in model.parameters()]
    train(Training(**given, precision=precision, lora=lora), folder, model=model)
    after = [weight.detach().float() for weight in model.parameters() if weight.requires_grad]
    distances = [(one - other).abs().mean() for one, other in zip(before, after, strict=True)]
    return float(torch.stack(distances).mean())


@pytest.mark.parametrize("lora", [None, LORA], ids=["all weights", "adapters"])
def test_200_small_steps_move_16_bit_weights_as_far_as_float32_ones(tmp_path, lora):
    exact = moved(tmp_path / "exact", "32-true", lora, 2e-6)
    mixed = moved(tmp_path / "mixed", "bf16-mixed", lora, 2e-6)
    assert exact > 1e-5
    assert mixed == pytest.approx(exact, rel=0.2)


def test_all_in_16_bits_swallows_them_and_says_so(tmp_path, caplog):
    exact = moved(tmp_path / "exact", "32-true", None, 2e-6)
    assert moved(tmp_path / "half", "bf16-true", None, 2e-6) < 0.5 * exact
    assert "bf16-true keeps what is trained in 16 bits: steps smaller than a 256th of a weight are lost" in caplog.text
