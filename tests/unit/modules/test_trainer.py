import inspect
import os
import signal
import subprocess
import sys
from functools import partial

import pytest
import pytorch_lightning as pl
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch.multiprocessing.spawn import ProcessRaisedException, start_processes

from sppl.modules.trainer import errors_of_processes, trainer, unsharded
from sppl.modules.training import Training
from sppl.schemas import UserError
from tests.unit.test_configs import CONF, composed

OPTIONS = sorted(path.stem for path in CONF.glob("trainer/*.yaml"))
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def plain(option: str) -> dict:
    return OmegaConf.to_container(composed(f"trainer={option}").trainer, resolve=True)  # pyright: ignore


@pytest.mark.parametrize("option", OPTIONS)
def test_every_trainer_has_lightnings_settings_and_ours(option):
    chosen = plain(option)
    given = {key: value for key, value in chosen["lightning"].items() if not key.startswith("_")}
    inspect.signature(pl.Trainer).bind_partial(**given)
    assert isinstance(instantiate(chosen["training"], _convert_="all"), Training)


def test_there_are_five_trainers():
    assert OPTIONS == ["cpu", "ddp", "fsdp", "gpu", "paper"]


def test_the_papers_trainer_has_the_values_that_took_effect():
    """method.md section 6: LLaMA-Factory's defaults where the authors passed nothing."""
    training = plain("paper")["training"]
    lora = training.pop("lora")
    assert {key: lora[key] for key in ("rank", "alpha", "dropout", "targets")} == {
        "rank": 8, "alpha": 16, "dropout": 0.0, "targets": ["q_proj", "v_proj"],
    }  # fmt: skip
    expected = {
        "epochs": 20, "learning_rate": 2e-5, "schedule": "cosine", "warmup": 0.0, "precision": "16-mixed",
        "max_tokens": 1024, "overlong": "cut", "weight_decay": 0.0, "clip": 1.0,
    }  # fmt: skip
    assert {key: training[key] for key in expected} == expected
    assert training["batch_size"] * training["accumulate"] == 30


def test_lightning_waits_until_a_trainer_is_made():
    code = (
        "import sys; from hydra.utils import instantiate;"
        "instantiate({'_target_': 'sppl.modules.trainer.trainer', '_partial_': True, 'devices': 1});"
        "sys.exit('pytorch_lightning' in sys.modules or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("settings", [{"accelerator": "nowhere"}, {"devices": -3, "accelerator": "cpu"}, {"device": 1}])
def test_settings_lightning_refuses_are_the_users_mistake(settings):
    with pytest.raises(UserError, match=r"trainer.lightning cannot be used here: .* take trainer=cpu"):
        trainer(**settings)


def test_what_only_scores_is_not_shared_out():
    make = partial(trainer, devices=2, strategy="fsdp_spawn")
    assert unsharded(make).keywords["strategy"] == "ddp_spawn"  # pyright: ignore
    plain = partial(trainer, devices=2, strategy="ddp_spawn")
    assert unsharded(plain) is plain


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
