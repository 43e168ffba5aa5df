"""The ledger: when a job counts as done."""

import pytest

from sppl.artifacts.store import Store
from sppl.cli.jobs import Job
from sppl.cli.ledger import Ledger, config_key, forget_signatures


@pytest.fixture
def place(tmp_path):
    for name in ("conf/config.yaml", "data/gpt4.jsonl", "store/adapters/lab/lab/gpt4-12345678/model.safetensors"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("here")
    return tmp_path


def ledger(place) -> Ledger:
    forget_signatures()
    return Ledger(Store(str(place / "store")), [place / "conf"])


def composed(place, overrides) -> dict:
    """The configuration that these overrides make of the file, comments left out."""
    text = (place / "conf/config.yaml").read_text().partition("#")[0].strip()
    return {"stage": {"finetune": {"source": {"folder": str(place / "data")}}}, "said": [text, *overrides]}


def job(place, *overrides: str, artifact: str = "adapters/lab/lab/gpt4-12345678") -> Job:
    return Job(place / "0", list(overrides), composed(place, overrides), "done", "", {"finetune": [artifact]})


def remember(place, *overrides: str, **given: str) -> None:
    done = job(place, *overrides, **given)
    ledger(place).remember(done, config_key(done.config))


def find(place, again: Job) -> bool:
    return ledger(place).find(again, lambda overrides: composed(place, overrides))


def found(place, *overrides: str) -> bool:
    return find(place, Job(place / "1", list(overrides)))


def test_a_job_that_was_typed_the_same_is_found_with_its_artifacts(place):
    remember(place, "seed=0")
    again = Job(place / "1", ["seed=0"])
    assert find(place, again)
    assert (again.status, again.error) == ("done", "")
    assert again.artifacts == {"finetune": ["adapters/lab/lab/gpt4-12345678"]}
    assert not found(place, "seed=1")


@pytest.mark.parametrize("changed", ["conf/config.yaml", "data/gpt4.jsonl"])
def test_another_content_of_a_configuration_or_data_file_makes_it_another_job(place, changed):
    remember(place, "seed=0")
    (place / changed).write_text("something else")
    assert not found(place, "seed=0")


def test_a_comment_in_a_configuration_file_makes_no_job_a_missing_one(place):
    remember(place, "seed=0")
    (place / "conf/config.yaml").write_text("here # as it always was")
    assert found(place, "seed=0")


def test_another_way_to_type_the_same_configuration_finds_the_job(place):
    done = job(place, "seed=0")
    ledger(place).remember(done, config_key(done.config))
    assert ledger(place).find(Job(place / "1", ["seed=0", "name=x"]), lambda _: done.config | {"run_dir": "elsewhere"})


def test_a_note_of_what_was_typed_that_is_damaged_only_costs_composing(place):
    remember(place, "seed=0")
    (note,) = (place / "store" / "jobs" / "typed").iterdir()
    for damage in ("", "{", '{"key": "../../elsewhere"}', "[]"):
        note.write_text(damage)
        assert found(place, "seed=0")


def test_an_artifact_that_is_gone_makes_the_job_a_missing_one(place):
    remember(place, "seed=0")
    (place / "store/adapters/lab/lab/gpt4-12345678").rename(place / "elsewhere")
    assert not found(place, "seed=0")


def test_a_job_without_artifacts_never_counts_as_done(place):
    remember(place, "seed=0", artifact="gpt4 (24 responses)")
    assert not found(place, "seed=0")


@pytest.mark.parametrize("damage", ["{", "[]", '{"overrides": ["seed=0"]}', ""])
def test_a_damaged_page_makes_the_job_a_missing_one_and_is_written_anew(place, damage):
    remember(place, "seed=0")
    (page,) = (place / "store" / "jobs").glob("*.json")
    page.write_text(damage)
    assert not found(place, "seed=0")
    remember(place, "seed=0")
    assert found(place, "seed=0")
