"""Nothing that others wrote is run, no key is written down, and no name leads out of its folder."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from sppl.cli.settings import check_names
from sppl.models.target import TargetModel
from sppl.schemas import UserError
from sppl.training.trained import load_trained
from tests.conftest import QUICK, ROOT

pytestmark = pytest.mark.filterwarnings("default")
CHEAP = [*QUICK, "metric=[length]", "stage=[generate,score,rank,report]"]


class Bomb:
    """A pickle that runs code when it is loaded."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self):
        return Path.touch, (self.proof,)


def hostile(proof: Path) -> dict:
    """What a component's configuration would have to say to run a command."""
    return {"_target_": "os.system", "_args_": [f"touch {proof}"]}


def test_a_page_of_the_ledger_that_names_a_foreign_component_is_not_used(run_py, tmp_path):
    proof, store, sweep = tmp_path / "proof", tmp_path / "store", ["-m", "strategy=gpt4", *CHEAP]
    first = run_py(*sweep, "name=first", store=store)
    assert first.code == 0, first.out
    for page in (store / "jobs").glob("*.json"):
        facts = json.loads(page.read_text())
        facts["config"]["stage"]["rank"]["metric"]["length"] = hostile(proof)
        page.write_text(json.dumps(facts))
    again = run_py(*sweep, "name=first", store=store)
    assert again.code == 0, again.out
    assert again.out.count("asks for 'os.system', which no configuration file names") == 1
    assert "1 to start" in again.out
    assert not proof.exists()
    assert "os.system" not in "".join(page.read_text() for page in (store / "jobs").glob("*.json"))  # written anew


@pytest.mark.parametrize("stage", ["rank", "report"])
def test_a_record_of_a_job_that_names_a_foreign_component_ends_the_summary(tmp_path, stage):
    from hydra import compose, initialize_config_dir

    from sppl.cli.overview import summarise
    from sppl.cli.settings import as_plain

    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        begun = compose("config", overrides=[f"store={tmp_path}/store"], return_hydra_config=True)
    planted = as_plain(begun)
    planted["stage"][stage] = hostile(tmp_path / "proof")
    record = {"overrides": [], "config": planted, "status": "done", "error": "", "artifacts": {}}
    (tmp_path / "job.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match=r"job.json asks for 'os.system', which neither .* nothing of it is run"):
        summarise(begun, tmp_path, 0)
    assert not (tmp_path / "proof").exists()


def test_an_interpolation_in_a_record_is_not_resolved(tmp_path, monkeypatch):
    from sppl.cli.jobs import Job, jobs_in

    Job(tmp_path, [], {"stage": {"report": {"name": "${oc.env:HOME}"}}}).write()
    with pytest.raises(UserError, match=r"oc\.env:HOME"):
        jobs_in(tmp_path, 0, frozenset())


def test_yaml_in_a_data_folder_is_never_read_as_configuration(run_py, tmp_path):
    data, proof = tmp_path / "data", tmp_path / "proof"
    shutil.copytree(ROOT / "experiments" / "own_task" / "data", data)
    evil = json.dumps(hostile(proof)) + "\n"
    for name in ("config.yaml", "steps.yaml", "strategy/steps.yaml", ".hydra/config.yaml", "experiment/local.yaml"):
        (data / name).parent.mkdir(exist_ok=True)
        (data / name).write_text(evil)
    (data / "task.yaml").write_text(f"task: steps\ndataset_path: !!python/object/apply:os.system ['touch {proof}']\n")
    given = ["benchmark=local", f"data_dir={data}", "strategy=[files]", "n_predict=4"]
    done = run_py(*CHEAP, *given)
    assert done.code == 0, done.out
    assert not proof.exists()


def test_a_data_set_that_is_a_script_is_not_run(tmp_path):
    from sppl.data.hub import HubQuestions
    from sppl.data.wording import Wording

    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "evil.py").write_text(f"import pathlib\npathlib.Path({str(tmp_path / 'proof')!r}).touch()\n")
    asked = HubQuestions(
        str(tmp_path / "evil"), Wording(question="{question}", instruction="", labels=""), {"train": "a"}
    )
    with pytest.raises(UserError, match="scripts are no longer supported"):
        asked.questions("train", 1)
    assert not (tmp_path / "proof").exists()


@pytest.fixture
def model(tmp_path) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(ROOT / "sppl" / "lab" / "checkpoint", folder)
    return folder


def test_weights_in_a_pickle_are_not_loaded(model, tmp_path):
    (model / "model.safetensors").unlink()
    torch.save({"lm_head.weight": Bomb(tmp_path / "proof")}, model / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"safetensors weights: target_model.path=FOLDER"):
        TargetModel("m", str(model)).load()
    target = TargetModel("lab", str(ROOT / "sppl" / "lab" / "checkpoint"))
    with pytest.raises(UserError, match=r"cannot be loaded .* no file named model\.safetensors"):
        load_trained(target, model)
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(
        json.dumps({"peft_type": "LORA", "r": 2, "target_modules": ["q_proj"]})
    )
    torch.save({"x": Bomb(tmp_path / "proof")}, adapter / "adapter_model.bin")
    with pytest.raises(UserError, match=r"has no adapter_model\.safetensors"):
        load_trained(target, adapter)
    assert not (tmp_path / "proof").exists()
    torch.load(adapter / "adapter_model.bin", weights_only=False)
    assert (tmp_path / "proof").exists()  # it would have gone off


def test_code_that_comes_with_a_model_runs_only_where_that_is_asked_for_by_name(model, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    proof = tmp_path / "proof"
    (model / "own.py").write_text(
        f"import pathlib\npathlib.Path({str(proof)!r}).touch()\n"
        "from transformers import LlamaConfig\nclass Own(LlamaConfig):\n    model_type = 'own'\n"
    )
    config = json.loads((model / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Model"}}
    (model / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="trust_remote_code"):
        TargetModel("m", str(model)).load()
    with pytest.raises(UserError, match=r"Python code of its own, .* target_model\.trust_remote_code=true"):
        load_trained(TargetModel("m", str(model)), model)
    assert not proof.exists()
    trusting = TargetModel("m", str(model), trust_remote_code=True)
    with pytest.raises(UserError, match="has no attribute 'Model'"):  # there is no such class in it
        trusting.load()
    assert proof.exists()
    assert trusting.identity != TargetModel("m", str(model)).identity


@pytest.mark.parametrize(
    "argument",
    ["name=../x", "name=a/../../x", "name=/tmp/x", "name=.x", "benchmark.name=../x", "target_model.name=../x",
     "strategy.gold_label.name=../x", "teacher.gpt_4o.name=../x"],
)  # fmt: skip
def test_a_name_that_leads_out_of_its_folder_is_refused(run_py, tmp_path, argument):
    done = run_py(*CHEAP, "strategy=[gold_label]", argument, store=tmp_path / "inside" / "store")
    assert done.code not in (0, None)
    assert "use letters, digits and . _ + = @ -" in f"{done.code} {done.out}"
    assert "Traceback" not in done.out
    assert {path.name for path in tmp_path.iterdir()} == set()


def test_a_strategys_key_in_a_file_that_leads_out_of_its_folder_is_refused():
    assert check_names({"name": "x", "strategy": {"gpt4": {"name": "gpt4"}}}) == ""
    assert check_names({"name": "x", "strategy": {"../b": {"name": "b"}}}).startswith(
        "a name in strategy='../b' cannot"
    )


LEAKS = {
    "written out in a file": "name: sk-planted0planted0planted0\n",
    "by its name": "name: x\nteacher: {gpt_4o: {token: abc}}\n",
    "read from the environment": "name: x\ndata_dir: ${oc.env:PLANTED_API_KEY}\n",
    "in the name of a folder": "name: ${oc.env:PLANTED_API_KEY}\n",
    "in an address": "name: x\ndata_dir: 'https://me:planted-7c1f@my.host/v1'\n",
    "in a query": "name: x\ndata_dir: 'https://my.host/v1?api_key=planted-7c1f'\n",
    "as a number": "name: x\nteacher: {gpt_4o: {password: 47114711}}\n",
    "in a key of a mapping": "name: x\ndata: {sk-planted0planted0planted0: 1}\n",
    "in Hydra's own part": "name: x\nhydra: {job: {env_set: {OPENAI_API_KEY: planted-7c1f}}}\n",
    "beside what cannot be resolved": "name: hf_planted0planted0planted0\ndata_dir: ${nothing}\n",
}


def test_a_key_in_a_broken_file_is_not_shown_with_what_is_broken(run_py, tmp_path):
    (tmp_path / "own" / "experiment").mkdir(parents=True)
    broken = "# @package _global_\nname: sk-planted0planted0planted0 : [\n"
    (tmp_path / "own" / "experiment" / "leak.yaml").write_text(broken)
    done = run_py("--config-dir", str(tmp_path / "own"), *CHEAP, "experiment=leak", store=tmp_path / "store")
    assert done.code not in (0, None)
    assert "planted0" not in f"{done.code}{done.out}"


def test_a_key_in_an_argument_is_refused_and_not_repeated(run_py, tmp_path):
    for given in (
        "sk-planted0planted0planted0",
        "sk-planted0planted0planted0=1",
        "~teacher.sk-planted0planted0planted0",
    ):
        done = run_py(*CHEAP, given, store=tmp_path / "store")
        assert "looks like a key" in done.out
        assert "planted" not in f"{done.code}{done.out}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [[], ["-m", "seed=0,1"]], ids=["run", "sweep"])
@pytest.mark.parametrize("text", LEAKS.values(), ids=LEAKS)
def test_a_key_in_a_configuration_is_refused_before_anything_is_written(run_py, tmp_path, monkeypatch, text, mode):
    monkeypatch.setenv("PLANTED_API_KEY", "planted-7c1f0a9b")
    (tmp_path / "own" / "experiment").mkdir(parents=True)
    (tmp_path / "own" / "experiment" / "leak.yaml").write_text(f"# @package _global_\n{text}")
    done = run_py("--config-dir", str(tmp_path / "own"), *mode, *CHEAP, "experiment=leak", store=tmp_path / "store")
    assert "looks like a key" in done.out
    assert "planted" not in f"{done.code}{done.out}".replace(str(tmp_path), "").lower().replace("planted_api_key", "")
    assert [path.name for path in tmp_path.iterdir()] == ["own"]
