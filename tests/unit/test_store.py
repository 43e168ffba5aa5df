import json
import multiprocessing
import re
import shlex
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

from sppl.artifacts.provenance import fingerprint
from sppl.artifacts.store import MissingArtifact, Store
from sppl.prompts import SelfAligned
from sppl.schemas import UserError


def predictions(*texts: str) -> pd.DataFrame:
    ids = [f"q{number}" for number in range(len(texts))]
    return pd.DataFrame({"question_id": ids, "prediction": list(texts)})


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(str(tmp_path), config={"seed": 0})


@pytest.fixture
def artifact(store):
    return store.artifact_id("predictions", "lab", "tiny", "n2", settings={"n": 2})


def test_what_is_written_is_read_again_with_its_provenance(store, artifact):
    store.write(artifact, predictions("one", "two"), {"responses/x": "abc"}, 1.25, correct_share=1.0)
    assert store.read(artifact)["prediction"].tolist() == ["one", "two"]
    facts = store.provenance(artifact)
    assert (facts["rows"], facts["seconds"], facts["correct_share"]) == (2, 1.25, 1.0)
    assert facts["inputs"] == {"responses/x": "abc"}
    assert facts["settings"] == {"n": 2}
    assert facts["config"] == {"seed": 0}
    assert {"python", "numpy"} <= facts["versions"].keys()


def test_other_settings_are_another_artifact(store):
    one = store.artifact_id("predictions", "lab", "tiny", "n2", settings={"context": SelfAligned(2)})
    two = store.artifact_id("predictions", "lab", "tiny", "n2", settings={"context": SelfAligned(3)})
    assert one.name.rpartition("-")[0] == two.name.rpartition("-")[0] == "predictions/lab/tiny/n2"
    assert one.name != two.name


def test_a_name_does_not_depend_on_the_order_of_settings():
    assert fingerprint({"a": 1, "b": [1, 2]}) == fingerprint({"b": (1, 2), "a": 1})


def test_settings_that_cannot_be_written_down_are_refused():
    with pytest.raises(TypeError, match="function"):
        fingerprint({"call": test_settings_that_cannot_be_written_down_are_refused})


@pytest.mark.parametrize("name", ["../x-00000000", "predictions/../../x-00000000", "predictions/x-0/../../x", "/x-0"])
def test_a_name_from_a_record_cannot_leave_the_store_either(store, name):
    with pytest.raises(UserError, match="cannot be a name"):
        store.open(name)


@pytest.mark.parametrize("word", ["../x", "a/b", "a b", "", ".hidden", "a\nb"])
def test_a_word_that_could_leave_the_store_is_refused(store, word):
    with pytest.raises(UserError, match="cannot be a name"):
        store.artifact_id("predictions", word, settings={})


def test_an_artifact_that_was_not_finished_does_not_exist(store, artifact, monkeypatch):
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        store.write(artifact, predictions("one"), {}, 0.0)
    monkeypatch.undo()
    assert not store.exists(artifact)
    with pytest.raises(MissingArtifact):
        store.read(artifact)
    store.write(artifact, predictions("one"), {}, 0.0)
    assert len(store.read(artifact)) == 1


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


def flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 3] ^= 1
    path.write_bytes(bytes(raw))


@pytest.mark.parametrize("damage", [cut, flip])
def test_an_artifact_cut_short_or_changed_by_one_bit_is_never_read(store, artifact, damage):
    store.write(artifact, predictions("one"), {}, 0.0)
    damage(store.path(artifact))
    with pytest.raises(UserError, match=r"is broken: .*Remove it \(rm -r (.*)\) and run the same command") as caught:
        store.read(artifact)
    remove = re.findall(r"\((rm -r .*?)\)", str(caught.value))[0]
    assert subprocess.run(shlex.split(remove), check=False).returncode == 0
    assert not store.exists(artifact)
    store.write(artifact, predictions("one"), {}, 0.0)
    assert len(store.read(artifact)) == 1


@pytest.mark.parametrize("damage", [cut, flip])
def test_a_folder_with_one_damaged_file_is_never_used(store, damage):
    artifact = store.artifact_id("adapters", "lab", "tiny", "gpt4", "seed0", settings={"seed": 0})
    made = store.parts(artifact) / "made"
    made.mkdir()
    (made / "weights.safetensors").write_bytes(bytes(range(100)))
    store.write_folder(artifact, made, {}, 0.5)
    assert store.whole(artifact) == store.path(artifact)
    damage(store.path(artifact) / "weights.safetensors")
    with pytest.raises(UserError, match="its content is not what was written"):
        store.whole(artifact)


@pytest.mark.parametrize("text", ["{", "", "[]", "{}", '{"digest": 1}', None], ids=repr)
def test_a_broken_provenance_is_named_too(store, artifact, text):
    store.write(artifact, predictions("one"), {}, 0.0)
    sidecar = Path(str(store.path(artifact)).replace(".parquet", ".json"))
    sidecar.unlink() if text is None else sidecar.write_text(text)
    for use in (store.digest, store.read, lambda artifact: store.open(artifact.name)):
        with pytest.raises(UserError, match=r"is broken: its provenance .*Remove it"):
            use(artifact)


def test_an_artifact_whose_provenance_came_first_and_nothing_after_is_not_there(store, artifact):
    store.write(artifact, predictions("one"), {}, 0.0)
    store.path(artifact).unlink()
    assert not store.holds(artifact.name)
    with pytest.raises(MissingArtifact):
        store.open(artifact.name)


def test_what_a_killed_process_left_beside_an_artifact_is_gone_once_it_is_made(store, artifact):
    folder = store.path(artifact).parent
    folder.mkdir(parents=True)
    for name in (store.path(artifact).name, store.path(artifact).name.replace(".parquet", ".json")):
        (folder / f".{name}.123.tmp").write_text("half")
    store.write(artifact, predictions("one"), {}, 0.0)
    assert list(folder.glob("*.tmp")) == list(folder.glob(".*.tmp")) == []


def test_a_table_is_checked_on_its_way_in(store, artifact):
    twice = pd.concat([predictions("one"), predictions("two")])
    with pytest.raises(UserError, match="question_id"):
        store.write(artifact, twice, {}, 0.0)
    with pytest.raises(UserError, match="prediction"):
        store.write(artifact, predictions("one").drop(columns="prediction"), {}, 0.0)
    assert not store.exists(artifact)


def test_a_digest_changes_with_the_content(store, artifact):
    other = store.artifact_id("predictions", "lab", "tiny", "n2", settings={"n": 3})
    same = store.artifact_id("predictions", "lab", "tiny", "n2", settings={"n": 4})
    store.write(artifact, predictions("one"), {}, 0.0)
    store.write(other, predictions("two"), {}, 0.0)
    store.write(same, predictions("one"), {}, 9.0)
    assert store.digest(artifact) == store.digest(same) != store.digest(other)


def test_a_folder_artifact_moves_into_place_whole(store):
    artifact = store.artifact_id("adapters", "lab", "tiny", "gpt4", "seed0", settings={"seed": 0})
    made = store.parts(artifact) / "made"
    made.mkdir()
    (made / "weights").write_bytes(b"123")
    store.write_folder(artifact, made, {}, 0.5, seed=0)
    store.clear_parts(artifact)
    assert (store.path(artifact) / "weights").read_bytes() == b"123"
    assert store.provenance(artifact)["seed"] == 0
    assert not list(store.path(artifact).parent.glob("*.parts"))


def test_an_artifact_is_found_again_by_its_name(store, artifact):
    store.write(artifact, predictions("one"), {}, 0.0)
    assert store.open(artifact.name) == artifact
    assert store.artifacts("predictions", "lab", "tiny") == [artifact]
    with pytest.raises(MissingArtifact):
        store.open("predictions/lab/tiny/n2-00000000")


def _make(root: str, log: str) -> None:
    store = Store(root)
    artifact = store.artifact_id("predictions", "lab", "tiny", "n1", settings={})
    with store.making(artifact) as missing:
        if missing:
            with Path(log).open("a") as made:
                made.write("made\n")
            time.sleep(0.5)
            store.write(artifact, predictions("one"), {}, 0.0)


def test_two_processes_that_want_the_same_artifact_make_it_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_make, args=(str(tmp_path / "store"), str(tmp_path / "log"))) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert (tmp_path / "log").read_text() == "made\n"
    assert [worker.exitcode for worker in workers] == [0, 0]


def test_provenance_is_valid_json_in_any_script(store):
    artifact = store.artifact_id("predictions", "lab", "tiny", "n1", settings={"answer": "四十二"})
    store.write(artifact, predictions("четыре"), {}, 0.0)
    text = Path(str(store.path(artifact)).replace(".parquet", ".json")).read_text()
    assert json.loads(text)["settings"] == {"answer": "四十二"}


def test_a_store_of_another_format_is_refused_with_the_command_that_keeps_what_was_paid_for(tmp_path):
    store = Store(str(tmp_path / "store"))
    store.check_format()  # none yet
    (tmp_path / "store" / "responses" / "lab").mkdir(parents=True)
    (tmp_path / "store" / "responses" / "lab" / "x.lock").touch()
    store.check_format()  # what a killed command left
    artifact = store.artifact_id("predictions", "lab", "tiny", settings={})
    store.write(artifact, predictions("one"), {}, 0.0)
    store.check_format()
    (tmp_path / "store" / "store.json").unlink()
    with pytest.raises(UserError, match=r"format 1, here it is 2.*mv .*store .*store\.old .*journal"):
        store.check_format()


def test_an_artifact_of_another_version_of_a_library_is_read_with_one_warning(tmp_path, caplog):
    store = Store(str(tmp_path))
    artifact = store.artifact_id("predictions", "lab", "tiny", settings={})
    store.write(artifact, predictions("one"), {}, 0.0)
    sidecar = tmp_path / f"{artifact.name}.json"
    facts = json.loads(sidecar.read_text())
    facts["versions"]["torch"] = "1.0.0"
    sidecar.write_text(json.dumps(facts))
    for _ in range(2):
        store.read(artifact)
    assert caplog.text.count("artifacts computed with torch 1.0.0") == 1
