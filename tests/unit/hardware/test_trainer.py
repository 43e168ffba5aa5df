import inspect
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from torch.multiprocessing.spawn import ProcessRaisedException, start_processes

from sppl.hardware.hardware import Hardware
from sppl.hardware.trainer import errors_of_processes, make_trainer
from sppl.schemas import UserError
from sppl.training.lora import Lora
from sppl.training.training_settings import Training
from tests.unit.test_configs import CONF, composed

TRAINERS = sorted(path.stem for path in CONF.glob("trainer/*.yaml"))
TRAININGS = sorted(path.stem for path in CONF.glob("training/*.yaml"))
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def made(trainer: str = "cpu", training: str = "full") -> tuple[Hardware, Training]:
    config = composed(f"trainer={trainer}", f"training={training}")
    return instantiate(config.trainer, _convert_="all"), instantiate(config.training, _convert_="all")


def test_hardware_and_training_are_two_choices():
    assert TRAINERS == ["cpu", "ddp", "fsdp", "gpu"]
    assert TRAININGS == ["full", "lora", "paper"]


@pytest.mark.parametrize("training", TRAININGS)
def test_the_hardware_changes_nothing_about_training_but_the_precision(training):
    given = [replace(made(trainer, training)[1], precision="32-true") for trainer in TRAINERS]
    assert all(one == given[0] for one in given)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_every_trainer_has_settings_of_lightning(trainer):
    hardware, training = made(trainer)
    inspect.signature(pl.Trainer).bind_partial(**hardware.lightning)
    assert training.precision == {"cpu": "32-true"}.get(trainer, "bf16-mixed")  # never all in 16 bits unasked


def test_the_papers_training_has_the_values_that_took_effect():
    """method.md section 6: LLaMA-Factory's defaults where the authors passed nothing."""
    for trainer in ("gpu", "fsdp"):
        _, training = made(trainer, "paper")
        assert training.lora == Lora(rank=8, alpha=16, dropout=0.0, targets=["q_proj", "v_proj"])  # pyright: ignore
        expected = {
            "epochs": 20, "learning_rate": 2e-5, "schedule": "cosine", "warmup": 0.0, "precision": "16-mixed",
            "max_tokens": 1024, "overlong": "cut", "weight_decay": 0.0, "clip": 1.0,
        }  # fmt: skip
        assert {key: getattr(training, key) for key in expected} == expected
        assert training.batch_size * training.accumulate == 30


def test_neither_torch_nor_lightning_is_loaded_before_a_device_or_a_trainer_is_asked_for():
    code = (
        "import sys; from hydra.utils import instantiate;"
        "instantiate({'_target_': 'sppl.hardware.hardware.Hardware', 'devices': 1});"
        "sys.exit('pytorch_lightning' in sys.modules or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("settings", [{"accelerator": "nowhere"}, {"devices": -3, "accelerator": "cpu"}, {"device": 1}])
def test_settings_lightning_refuses_are_the_users_mistake(settings):
    with pytest.raises(UserError, match=r"trainer cannot be used here: .* take trainer=cpu"):
        make_trainer(**settings)


def test_a_gpu_where_torch_finds_none_is_one_sentence(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UserError, match=r"trainer.accelerator=gpu: torch 2.* here. Take trainer=cpu"):
        _ = Hardware("gpu").device
    assert Hardware("auto").device.type == "cpu"
    with pytest.raises(UserError, match=r"trainer.accelerator=cuda: there are cpu, gpu"):
        Hardware("cuda")  # pyright: ignore


@pytest.mark.parametrize(("devices", "index"), [(1, 0), ((2, 3), 2), ([1], 1)])
def test_the_device_is_the_first_of_those_named(monkeypatch, devices, index):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert Hardware("gpu", devices).device == torch.device("cuda", index)


def test_what_only_scores_is_not_shared_out_and_takes_no_settings_of_training():
    assert Hardware("cpu", 2, "fsdp_spawn").reading().strategy == "ddp_spawn"
    plain = Hardware("cpu", 2, "ddp_spawn", lightning={"limit_predict_batches": 1})
    assert plain.reading() == Hardware("cpu", 2, "ddp_spawn")


@pytest.mark.parametrize(
    ("devices", "single"),
    [(1, True), ([1], True), ((3,), True), (2, False), ([2, 3], False), ("auto", False), (-1, False)],
)
def test_what_one_device_does_is_done_by_the_first_of_those_that_are_named(monkeypatch, devices, single):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    asked = []
    monkeypatch.setattr("sppl.hardware.trainer.make_trainer", lambda **settings: asked.append(settings))
    hardware = Hardware("gpu", devices, "ddp_spawn")
    hardware.one()()
    first = devices[0] if isinstance(devices, list | tuple) else 0
    assert (asked[0]["devices"], asked[0]["strategy"]) == ((first,), "auto")
    assert hardware.one().device == hardware.device == torch.device("cuda", first)
    assert hardware.single == single


@pytest.mark.parametrize(
    ("name", "place"),
    [("precision", "training.precision=2"), ("devices", "trainer.devices=2"), ("strategy", "trainer.strategy=2")],
)
def test_what_has_a_place_of_its_own_is_no_further_setting_of_lightning(name, place):
    with pytest.raises(UserError, match=f"trainer.lightning.{name}=2 is told elsewhere: {place}"):
        Hardware(lightning={name: 2})


def _killed(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _mistaken(_: int) -> None:
    raise UserError("n_train is larger than\nthere is")


def _alone(_: int) -> None:
    raise RuntimeError("[gloo/transport/tcp/pair.cc:534] Connection closed by peer [127.0.0.1]:2345")


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (_killed, r"one of the processes was ended \(SIGKILL; .* goes on from here"),
        (_alone, "one of the processes was ended"),
        (_mistaken, "^n_train is larger than there is$"),
    ],
)
def test_what_ends_a_process_of_its_own_is_a_sentence(work, said):
    with pytest.raises(UserError, match=said), errors_of_processes():
        start_processes(work, nprocs=1, start_method="fork")


def _wrong(_: int) -> None:
    raise KeyError("a mistake of ours")


def test_a_mistake_of_ours_in_a_process_of_its_own_keeps_its_traceback():
    with pytest.raises(ProcessRaisedException, match="a mistake of ours"), errors_of_processes():
        start_processes(_wrong, nprocs=1, start_method="fork")
