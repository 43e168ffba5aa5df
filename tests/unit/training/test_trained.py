import pytest
import torch

from sppl.models.target import KEPT, TargetModel
from sppl.training.lora import Lora, add_lora
from sppl.training.trained import load_trained

pytestmark = pytest.mark.filterwarnings("default")
IDS = torch.arange(20, 50)[None]


@pytest.fixture
def target(root, monkeypatch):
    monkeypatch.chdir(root)
    return TargetModel("lab", "sppl/lab/checkpoint")


def adapter(target: TargetModel, folder, seed: int) -> torch.Tensor:
    """Saves an adapter that changes the model; returns its logits."""
    torch.manual_seed(seed)
    model = add_lora(target.load(), Lora(rank=4, alpha=8))
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    model.save_pretrained(str(folder))
    with torch.no_grad():
        return model.eval()(IDS).logits


def test_adapters_of_one_target_are_loaded_one_after_the_other_without_loading_it_again(target, tmp_path, monkeypatch):
    expected = [adapter(target, tmp_path / str(seed), seed) for seed in range(3)]
    loads = []
    load = TargetModel.load
    monkeypatch.setattr(TargetModel, "load", lambda self: (loads.append(1), load(self))[1])
    KEPT.clear()
    for seed in (0, 1, 2, 0):
        with torch.no_grad():
            assert torch.equal(load_trained(target, tmp_path / str(seed))(IDS).logits, expected[seed])
    assert len(loads) == 1
    with torch.no_grad():
        assert torch.equal(
            load_trained(target, None)(IDS).logits, target.load()(IDS).logits
        )  # the adapter is off again


def test_a_folder_of_whole_weights_is_an_ordinary_model(target, tmp_path):
    model = target.load()
    with torch.no_grad():
        model.lm_head.weight.mul_(1.1)
        expected = model(IDS).logits
    model.save_pretrained(tmp_path / "full")
    with torch.no_grad():
        assert torch.equal(load_trained(target, tmp_path / "full")(IDS).logits, expected)
