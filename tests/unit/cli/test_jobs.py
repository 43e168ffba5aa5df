"""Job records: what the summary of a sweep knows."""

import pytest

from sppl.cli.errors import describe_crash
from sppl.cli.jobs import Job, jobs_in
from sppl.schemas import UserError


def job(folder, strategy="gpt4", **changed) -> Job:
    folder.mkdir(parents=True, exist_ok=True)
    rank = {"_target_": "rank", "n_score": 6, "strategy": {strategy: {"name": strategy}}} | changed
    names = {"benchmark": {"name": "lab"}, "target_model": {"name": "tiny"}, "strategy": {strategy: {}}}
    return Job(folder, [f"strategy={strategy}"], {"stage": {"rank": rank}, **names})


def test_a_job_is_interrupted_from_its_start_until_it_is_done_or_failed(tmp_path):
    one = job(tmp_path / "0")
    one.write()
    assert jobs_in(tmp_path, 0, frozenset({"rank"}))[0].status == "interrupted"
    one.done({"score": ["token_stats/a"]})
    assert jobs_in(tmp_path, 0, frozenset({"rank"})) == [one]
    one.failed("no such file")
    assert jobs_in(tmp_path, 0, frozenset({"rank"}))[0].gap() == {
        "job": "strategy=gpt4",
        "status": "failed",
        "error": "no such file",
        "benchmark": "lab",
        "target_model": "tiny",
        "strategies": ["gpt4"],
    }


def test_a_job_that_broke_has_crashed_and_was_not_interrupted(tmp_path):
    one = job(tmp_path / "0")
    one.failed(describe_crash(ZeroDivisionError("division by zero")))
    (read,) = jobs_in(tmp_path, 0, frozenset({"rank"}))
    assert read.status == "crashed"
    assert "ZeroDivisionError: division by zero" in read.error


def test_the_jobs_of_a_sweep_come_in_the_order_of_their_numbers(tmp_path):
    for number in (10, 9, 0):
        job(tmp_path / str(number)).write()
    assert [one.folder.name for one in jobs_in(tmp_path, 0, frozenset({"rank"}))] == ["0", "9", "10"]


def test_a_job_that_failed_before_its_configuration_was_known_names_no_strategy(tmp_path):
    assert Job(tmp_path, []).gap()["strategies"] == []
    assert Job(tmp_path, []).gap()["job"] == "this run"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"what": 1}'])
def test_a_damaged_record_is_named_with_the_way_to_go_on(tmp_path, text):
    (tmp_path / "job.json").write_text(text)
    with pytest.raises(UserError, match=r"job\.json is broken .*; remove .* and run the same command again"):
        jobs_in(tmp_path, 0, frozenset())
