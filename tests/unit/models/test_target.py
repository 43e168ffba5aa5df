import pytest

from sppl.models.target import TargetModel, frozen_target
from sppl.schemas import UserError


@pytest.fixture
def target(root, monkeypatch):
    monkeypatch.chdir(root)
    return TargetModel("lab", "sppl/lab/checkpoint")


def test_the_frozen_copy_is_one_per_process_and_a_loaded_one_is_fresh(target):
    assert frozen_target(target) is frozen_target(target)
    assert target.load() is not frozen_target(target)
    assert not any(weight.requires_grad for weight in frozen_target(target).parameters())
    assert not target.load().training


def test_a_local_folder_counts_by_its_content_and_a_hub_id_by_its_revision(target, tmp_path, root):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(root / "sppl" / "lab" / "checkpoint", copy)
    assert TargetModel("other", str(copy)).identity == target.identity
    (copy / "config.json").write_text((copy / "config.json").read_text() + " ")
    changed = tmp_path / "changed"
    copy.rename(changed)
    assert TargetModel("other", str(changed)).identity != target.identity
    hub = [TargetModel("m", "org/model", revision=revision).identity for revision in ("a", "b")]
    assert hub[0] != hub[1]


def test_an_unreadable_folder_is_one_sentence_with_the_way_to_go_on(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match=r"cannot be loaded from .*target_model.path=FOLDER"):
        TargetModel("broken", str(tmp_path)).load()
    with pytest.raises(UserError, match="cannot be loaded"):
        TargetModel("broken", str(tmp_path)).tokenizer()


def test_a_path_where_there_is_nothing_is_not_taken_for_a_hub_id(tmp_path):
    said = "/model', where there is nothing. Put it back if something removed it, or give a folder with config.json"
    with pytest.raises(UserError, match=said):
        TargetModel("mine", str(tmp_path / "model")).load()
