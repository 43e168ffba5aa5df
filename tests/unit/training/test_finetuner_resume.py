from pathlib import Path

import pytest
import torch
from tiny import Stop, examples, same, train

from sppl.schemas import UserError
from sppl.training.checkpoints import last_checkpoint
from sppl.training.lora import Lora
from sppl.training.training_settings import Training

SETTINGS = {"epochs": 2, "batch_size": 4, "learning_rate": 1e-2}
KINDS = {
    "all weights": Training(**SETTINGS),
    "dropout": Training(**SETTINGS, lora=Lora(rank=2, dropout=0.3)),
    "accumulating": Training(**SETTINGS | {"batch_size": 2, "accumulate": 2}, batching="packed"),
    "one step per epoch": Training(**SETTINGS | {"batch_size": 32, "epochs": 9}),
}


@pytest.mark.parametrize("training", KINDS.values(), ids=KINDS)
def test_a_run_stopped_before_any_step_goes_on_with_the_same_losses_and_ends_with_the_same_bits(tmp_path, training):
    whole, expected = train(training, tmp_path / "whole")
    for step in range(len(expected)):
        with pytest.raises(Stop):
            train(training, tmp_path / str(step), stop=step, save_seconds=0)
        again, found = train(training, tmp_path / str(step), save_seconds=0)
        assert found == {number: loss for number, loss in expected.items() if number > step}
        assert same(again, whole)


def test_best_weights_survive_a_stop(tmp_path):
    training = Training(epochs=4, batch_size=8, learning_rate=3e-2, warmup=0, schedule="constant", select="best")
    options = {"data": examples(12), "validation": examples(5, seed=9), "save_seconds": 0}
    whole, expected = train(training, tmp_path / "whole", **options)
    for step in range(len(expected)):
        with pytest.raises(Stop):
            train(training, tmp_path / str(step), stop=step, **options)
        assert same(train(training, tmp_path / str(step), **options)[0], whole)


def test_repeating_a_finished_run_trains_nothing_and_gives_its_weights(tmp_path):
    whole, _ = train(KINDS["all weights"], tmp_path)
    again, losses = train(KINDS["all weights"], tmp_path)
    assert losses == {}
    assert same(again, whole)


def test_a_run_with_other_settings_seed_or_examples_starts_afresh(tmp_path):
    train(KINDS["all weights"], tmp_path)
    for training, options in [
        (Training(**SETTINGS | {"learning_rate": 2e-2}), {}),
        (KINDS["all weights"], {"seed": 4}),
        (KINDS["all weights"], {"data": examples(21, seed=2)}),
    ]:
        _, losses = train(training, tmp_path, **options)
        assert min(losses) == 1


def test_a_checkpoint_cut_short_is_passed_over(tmp_path):
    training = KINDS["all weights"]
    whole, _ = train(training, tmp_path / "whole")
    with pytest.raises(Stop):
        train(training, tmp_path / "cut", stop=8, save_seconds=0)
    older, newest = sorted((tmp_path / "cut").glob("*.ckpt"))
    assert [older.stem[-1], newest.stem[-1]] == ["7", "8"]
    newest.write_bytes(newest.read_bytes()[:-100])
    again, found = train(training, tmp_path / "cut")
    assert min(found) == 8
    assert same(again, whole)


def test_checkpoints_hold_trained_weights_only_and_no_more_than_asked_for_are_kept(tmp_path):
    for kept in (1, 3):
        for name, lora in [("all", None), ("lora", Lora(rank=2))]:
            folder = tmp_path / f"{name}{kept}"
            train(Training(**SETTINGS, lora=lora), folder, save_seconds=0, save_total=kept)
            assert len(list(folder.iterdir())) == kept
    sizes = {name: next((tmp_path / f"{name}1").iterdir()).stat().st_size for name in ("all", "lora")}
    # two moments per weight beside it, 4 bytes each; a few kB for the rest
    assert sizes["all"] > 12 * 6_000
    assert sizes["lora"] < 50_000


class Bomb:
    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self):
        return Path.touch, (self.proof,)


def test_a_checkpoint_that_would_run_code_is_refused_and_one_with_a_changed_byte_passed_over(tmp_path):
    training = KINDS["all weights"]
    with pytest.raises(Stop):
        train(training, tmp_path, stop=8, save_seconds=0)
    older, newest = sorted(tmp_path.glob("*.ckpt"))
    raw = bytearray(newest.read_bytes())
    raw[len(raw) // 2] ^= 1
    newest.write_bytes(raw)
    assert last_checkpoint(tmp_path, newest.name.partition("-")[0]) == older
    torch.save({"state_dict": Bomb(tmp_path / "proof")}, newest)
    with pytest.raises(UserError, match=r"is not a checkpoint of ours.*Remove it \(rm "):
        train(training, tmp_path)
    assert not (tmp_path / "proof").exists()
