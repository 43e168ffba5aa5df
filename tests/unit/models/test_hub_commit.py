"""A branch of the hub moves: numbers are those of one commit, by which a target is known and loaded."""

from types import SimpleNamespace

import pytest

from sppl.models.hub_commit import resolve_commit
from sppl.models.reward_model import RewardModel
from sppl.models.target import TargetModel

ONE, OTHER = "a" * 40, "b" * 40


@pytest.fixture(autouse=True)
def fresh():
    resolve_commit.cache_clear()
    yield
    resolve_commit.cache_clear()


@pytest.fixture
def hub(monkeypatch):
    """A hub whose branches stand where a test puts them; None: it cannot be reached."""
    from huggingface_hub import HfApi, constants

    stands = SimpleNamespace(commit=ONE, asked=0)

    def model_info(self, path, revision=None, timeout=None):
        stands.asked += 1
        if stands.commit is None:
            raise ConnectionError("no network")
        return SimpleNamespace(sha=stands.commit)

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(HfApi, "model_info", model_info)
    return stands


@pytest.fixture
def cache(tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    refs = tmp_path / "models--some--model" / "refs"
    refs.mkdir(parents=True)
    return refs


def test_a_commit_is_itself_and_nobody_is_asked(hub):
    assert resolve_commit("some/model", OTHER) == OTHER
    assert hub.asked == 0


def test_a_branch_is_where_the_hub_says_it_stands_from_the_first_question_on(hub):
    assert resolve_commit("some/model", "main") == ONE
    hub.commit = OTHER
    assert resolve_commit("some/model", "main") == ONE
    assert hub.asked == 1


def test_without_the_hub_the_cache_counts_and_without_both_what_was_given(hub, cache):
    hub.commit = None
    (cache / "main").write_text(OTHER + "\n")
    assert resolve_commit("some/model", None) == OTHER
    assert resolve_commit("some/model", "a-tag") == "a-tag"
    assert resolve_commit("some/other", None) is None


def test_offline_nobody_is_asked(hub, cache, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    (cache / "main").write_text(OTHER)
    assert resolve_commit("some/model", "main") == OTHER
    assert hub.asked == 0


def test_a_branch_that_moved_is_another_target_and_another_reward_model(hub, monkeypatch):
    monkeypatch.setattr("sppl.models.target.base_of", lambda path, revision: None)
    before = [TargetModel("m", "some/model").identity, RewardModel("r", "some/model").identity]
    hub.commit = OTHER
    resolve_commit.cache_clear()  # another process
    after = [TargetModel("m", "some/model").identity, RewardModel("r", "some/model").identity]
    assert [one["source"] for one in before] == [{"hub": "some/model", "commit": ONE}] * 2
    assert [one["source"] for one in after] == [{"hub": "some/model", "commit": OTHER}] * 2
