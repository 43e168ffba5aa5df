"""Job records: what the summary of a sweep knows."""

import pytest

from sppl.cli.errors import describe_crash
from sppl.cli.jobs import Job, jobs_in
from sppl.cli.together import group_jobs
from sppl.schemas import UserError


def job(folder, named="gpt4", **changed) -> Job:
    folder.mkdir(parents=True, exist_ok=True)
    rank = {"_target_": "rank", "n_score": 6, "strategy": {named: {"name": named}}, **changed}
    names = {"benchmark": {"name": "lab"}, "target_model": {"name": "tiny"}, "strategy": {named: {}}}
    return Job(folder, [f"strategy={named}"], {"stage": {"rank": rank}, **names})


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


def test_jobs_that_differ_in_strategy_only_are_ranked_together(tmp_path):
    jobs = [job(tmp_path, "gpt4"), job(tmp_path, "claude"), job(tmp_path, "gpt4", n_score=9)]
    first, second = (one.arguments for one in group_jobs(jobs))
    assert list(first["strategy"]) == ["gpt4", "claude"]
    assert (list(second["strategy"]), second["n_score"]) == (["gpt4"], 9)
    assert list(jobs[0].config["stage"]["rank"]["strategy"]) == ["gpt4"]


def of_files(folder, only, **rank) -> Job:
    """A job of a sweep over a user's own files, whose configuration has one part for all strategies."""
    files = {"_target_": "sppl.strategies.files.Files", "only": only, "derived": []}
    one = job(folder, "files", **{**rank, "strategy": files})
    one.overrides[:] = [f"strategy.only=[{','.join(only or [])}]", *(f"{key}={value}" for key, value in rank.items())]
    one.config["strategy"] = files
    return one


def test_so_are_jobs_that_chose_other_files_and_one_without_a_choice_means_all(tmp_path):
    jobs = [of_files(tmp_path, ["short"]), of_files(tmp_path, ["long", "short"])]
    (both,) = group_jobs(jobs)
    assert both.arguments["strategy"]["only"] == ["short", "long"]
    assert both.jobs == jobs
    assert both.settings == ()
    (every,) = group_jobs([*jobs, of_files(tmp_path, None)])
    assert every.arguments["strategy"]["only"] is None


def test_jobs_that_differ_in_more_are_told_apart_by_what_was_typed(tmp_path):
    jobs = [of_files(tmp_path, ["short"], n_score=5), of_files(tmp_path, ["long"], n_score=5)]
    few, many = group_jobs([*jobs, of_files(tmp_path, ["short"], n_score=10)])
    assert few.arguments["strategy"]["only"] == ["short", "long"]
    assert (few.settings, many.settings) == (("n_score=5",), ("n_score=10",))


def test_a_job_that_failed_before_its_configuration_was_known_names_no_strategy(tmp_path):
    assert Job(tmp_path, []).gap()["strategies"] == []
    assert Job(tmp_path, []).gap()["job"] == "this run"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"what": 1}'])
def test_a_damaged_record_is_named_with_the_way_to_go_on(tmp_path, text):
    (tmp_path / "job.json").write_text(text)
    with pytest.raises(UserError, match=r"job\.json is broken .*; remove .* and run the same command again"):
        jobs_in(tmp_path, 0, frozenset())
