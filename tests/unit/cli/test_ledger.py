"""The ledger: when a job counts as done."""

import pytest

from sppl.artifacts.store import Store
from sppl.cli.jobs import Job
from sppl.cli.ledger import Ledger, fresh


@pytest.fixture
def place(tmp_path):
    for name in ("conf/config.yaml", "data/gpt4.jsonl", "store/adapters/lab/lab/gpt4-12345678/model.safetensors"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("here")
    return tmp_path


def ledger(place) -> Ledger:
    fresh()
    return Ledger(Store(str(place / "store")), [place / "conf"])


def job(place, *overrides: str, leaf: str = "adapters/lab/lab/gpt4-12345678") -> Job:
    config = {"stage": {"finetune": {"source": {"folder": str(place / "data")}}}}
    return Job(place / "0", list(overrides), config, "done", "", {"finetune": [leaf]})


def found(place, *overrides: str) -> bool:
    return ledger(place).find(Job(place / "1", list(overrides)))


def test_a_job_that_was_typed_the_same_is_found_with_its_leaves(place):
    ledger(place).remember(job(place, "seed=0"))
    again = Job(place / "1", ["seed=0"])
    assert ledger(place).find(again)
    assert (again.status, again.error) == ("done", "")
    assert again.leaves == {"finetune": ["adapters/lab/lab/gpt4-12345678"]}
    assert not found(place, "seed=1")


@pytest.mark.parametrize("changed", ["conf/config.yaml", "data/gpt4.jsonl"])
def test_another_content_of_a_configuration_or_data_file_makes_it_another_job(place, changed):
    ledger(place).remember(job(place, "seed=0"))
    (place / changed).write_text("something else")
    assert not found(place, "seed=0")


def test_a_leaf_that_is_gone_makes_the_job_a_missing_one(place):
    ledger(place).remember(job(place, "seed=0"))
    (place / "store/adapters/lab/lab/gpt4-12345678").rename(place / "elsewhere")
    assert not found(place, "seed=0")


def test_a_job_without_leaves_never_counts_as_done(place):
    ledger(place).remember(job(place, "seed=0", leaf="gpt4 (24 responses)"))
    assert not found(place, "seed=0")


@pytest.mark.parametrize("damage", ["{", "[]", '{"overrides": ["seed=0"]}', ""])
def test_a_damaged_page_makes_the_job_a_missing_one_and_is_written_anew(place, damage):
    ledger(place).remember(job(place, "seed=0"))
    (page,) = (place / "store" / "jobs").iterdir()
    page.write_text(damage)
    assert not found(place, "seed=0")
    ledger(place).remember(job(place, "seed=0"))
    assert found(place, "seed=0")
