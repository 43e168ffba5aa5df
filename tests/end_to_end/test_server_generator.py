"""generator=server: the target and its adapters answer on a server, as they would here."""

import importlib.util
import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch

from sppl.generation.answer import prompts_of
from sppl.generation.local import LocalGenerator
from sppl.generation.server import ServerGenerator
from sppl.hardware.hardware import Hardware
from sppl.lab.source import LabQuestions
from sppl.models.target import TargetModel
from sppl.schemas import UserError
from sppl.training.lora import Lora, add_lora
from tests.servers.running import ROOT, free_ports, serving

CHECKPOINT = "sppl/lab/checkpoint"
TARGET = TargetModel("lab", CHECKPOINT)
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(autouse=True)
def here(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture
def prompts():
    return prompts_of(LabQuestions().questions("test", 6))


@pytest.fixture(scope="module")
def adapter(tmp_path_factory) -> Path:
    """An adapter that changes answers."""
    torch.manual_seed(0)
    model = add_lora(TargetModel("lab", str(ROOT / CHECKPOINT)).load(), Lora(rank=4, alpha=8))
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.2)
    folder = tmp_path_factory.mktemp("adapter")
    model.save_pretrained(str(folder))
    return folder


def with_adapters(port: int, log: Path, trouble: str = ""):
    return serving([sys.executable, "-m", "tests.servers.adapters", str(port), str(log), trouble], port)


def at(port: int, **settings) -> ServerGenerator:
    return ServerGenerator(base_url=f"http://127.0.0.1:{port}/v1", **{"model": "lab", "backoff": 0.01} | settings)


def test_the_target_and_its_adapters_answer_as_here_whatever_the_order_and_nothing_is_asked_twice(
    tmp_path, prompts, adapter
):
    (port,) = free_ports(1)
    log = tmp_path / "log"
    local = LocalGenerator().open(TARGET, Hardware(), tmp_path)
    with with_adapters(port, log):
        served = at(port, load_adapters=True).open(TARGET, Hardware(), tmp_path)
        for trained in (None, adapter):
            expected = local.answer(prompts, max_new_tokens=60, trained=trained)
            assert served.answer(prompts[:4], max_new_tokens=60, trained=trained) == expected[:4]
            assert served.answer(prompts, max_new_tokens=60, trained=trained) == expected
    asked = Counter(line for line in log.read_text().splitlines() if line.startswith("asked"))
    assert len(asked) == 2 * len(prompts)
    assert set(asked.values()) == {1}


def test_a_busy_server_is_asked_again_and_a_cut_off_answer_is_one(tmp_path, prompts):
    ports = free_ports(2)
    with with_adapters(ports[0], tmp_path / "a", "busy"), with_adapters(ports[1], tmp_path / "b", "cut"):
        made = at(ports[0]).open(TARGET, Hardware(), tmp_path / "x").answer(prompts, max_new_tokens=60)
        assert [one.ended for one in made] == [True] * len(prompts)
        cut = at(ports[1]).open(TARGET, Hardware(), tmp_path / "y").answer(prompts, max_new_tokens=60)
    assert [(one.ended, one.n_tokens) for one in cut] == [(False, 3)] * len(prompts)


@pytest.mark.parametrize(
    ("settings", "trained", "said"),
    [
        ({"model": "other"}, None, r"refuses every request: 404.* It lists the models lab"),
        ({}, "adapter", r"answers as the untrained target only.*generator.load_adapters=true"),
        ({"load_adapters": True}, "whole", "holds a whole model, which a running server cannot take"),
        ({"load_adapters": True}, "adapter", "did not load the adapter .* 404 .*no adapter found"),
    ],
)
def test_what_the_server_does_not_know_is_one_sentence(tmp_path, prompts, adapter, settings, trained, said):
    (port,) = free_ports(1)
    with with_adapters(port, tmp_path / "log", "blind"):
        served = at(port, **settings).open(TARGET, Hardware(), tmp_path / "journal")
        folder = {None: None, "adapter": adapter, "whole": tmp_path}[trained]
        with pytest.raises(UserError, match=said):
            served.answer(prompts, max_new_tokens=20, trained=folder)


def test_no_server_at_all_is_one_sentence_at_once(tmp_path, prompts):
    (port,) = free_ports(1)
    with pytest.raises(UserError, match=rf"no server answers at http://127.0.0.1:{port}/v1 .*generator.base_url=URL"):
        at(port).open(TARGET, Hardware(), tmp_path).answer(prompts, max_new_tokens=20)


def test_another_server_is_another_name_and_the_same_one_at_another_address_is_not():
    one, other = ServerGenerator(base_url="http://a/v1", model="m"), ServerGenerator(base_url="http://b/v1", model="m")
    assert one.identity != other.identity
    named = [ServerGenerator(base_url=url, model="m", name="mine") for url in ("http://a/v1", "http://b/v1")]
    assert named[0].identity == named[1].identity


command = shutil.which("transformers", path=str(Path(sys.executable).parent))


@pytest.mark.skipif(command is None or importlib.util.find_spec("fastapi") is None, reason="needs the extra `serve`")
def test_the_stage_predict_through_a_real_server_gives_the_predictions_of_this_process(run_py, tmp_path):
    import pandas as pd

    (port,) = free_ports(1)
    few = ["stage=[predict]", "n_predict=5", "benchmark.max_new_tokens=60"]
    call = [str(command), "serve", CHECKPOINT, "--port", str(port), "--host", "127.0.0.1", "--device", "cpu"]
    with serving(call, port):
        there = [f"generator.base_url=http://127.0.0.1:{port}/v1", f"generator.model={CHECKPOINT}"]
        there += ["generator.concurrency=1"]
        done = run_py(*few, "generator=server", *there, store=tmp_path / "served")
        assert done.code == 0, done.out
    assert run_py(*few, store=tmp_path / "local").code == 0
    folders = [tmp_path / kind / "predictions" for kind in ("served", "local")]
    frames = [pd.read_parquet(next(folder.rglob("*.parquet"))) for folder in folders]
    assert frames[0]["prediction"].str.strip().tolist() == frames[1]["prediction"].str.strip().tolist()
    verdicts = [
        pd.read_parquet(next((tmp_path / kind / "verdicts").rglob("*.parquet"))) for kind in ("served", "local")
    ]
    assert verdicts[0]["correct"].tolist() == verdicts[1]["correct"].tolist()
