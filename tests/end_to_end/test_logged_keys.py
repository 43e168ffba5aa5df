"""What a run's files hold after a training: the same keys for every strategy, so that runs share their charts."""

import pandas as pd
import pytest

from tests.conftest import QUICK

pytestmark = pytest.mark.filterwarnings("default")
CONTEXTS = ("alone", "question", "self_aligned_n2")
OF_A_STRATEGY = {
    "finetune/loss", "benchmark/accuracy", "generate/correct", *(f"score/{name}/loss" for name in CONTEXTS),
}  # fmt: skip
OF_THE_TARGET = {"predict/correct", "benchmark/accuracy"}


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """The folder of a run of the whole loop with every logger."""
    from tests.conftest import arguments

    folder = tmp_path_factory.mktemp("logged")
    with pytest.MonkeyPatch.context() as patch:
        import sys

        from sppl.cli.main import main
        from tests.conftest import ROOT

        patch.chdir(ROOT)
        given = [*QUICK, "strategy=[gpt4,claude]", "logger=[csv,tensorboard,wandb]", "name=keys"]
        patch.setattr(sys, "argv", ["run.py", *arguments(folder, folder / "store", *given)])
        assert main() == 0
    return folder / "run0"


@pytest.mark.parametrize(
    ("run", "keys"),
    [("gpt4,seed=0", OF_A_STRATEGY), ("claude,seed=0", OF_A_STRATEGY), ("untrained,seed=0", OF_THE_TARGET)],
)
def test_the_csv_of_a_run_has_the_keys_without_the_strategy(logged, run, keys):
    found = pd.read_csv(logged / "csv" / run / "metrics.csv")
    assert {name for name in found if "/" in name} == keys
    assert found["benchmark/accuracy"].dropna().between(0, 1).tolist() == [True]


def test_the_loss_of_every_step_of_a_short_training_is_there(logged):
    loss = pd.read_csv(logged / "csv" / "gpt4,seed=0" / "metrics.csv")["finetune/loss"].dropna()
    assert len(loss) == 2  # 24 examples, 16 a step
    assert loss.gt(0).all()


def test_tensorboard_and_wandb_have_them_too(logged):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(logged / "tensorboard" / "gpt4,seed=0"))
    events.Reload()
    assert set(events.Tags()["scalars"]) >= OF_A_STRATEGY
    files = [file.read_bytes() for file in logged.rglob("*.wandb")]
    assert sum(b"finetune/loss" in text for text in files) == 2
    assert not any(b"finetune/gpt4" in text or b"gpt4/loss" in text for text in files)


def test_a_training_of_fewer_steps_than_are_logged_at_once_logs_its_last(run_py, tmp_path):
    rare = ["stage=[finetune]", "strategy=[gpt4]", "logger=[csv]", "trainer.lightning.log_every_n_steps=50"]
    done = run_py(*QUICK, *rare, store=tmp_path / "own")
    assert done.code == 0, done.out
    (file,) = tmp_path.rglob("metrics.csv")
    assert pd.read_csv(file)["finetune/loss"].dropna().size == 1
