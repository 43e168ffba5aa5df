"""Which jobs of a sweep are ranked together, and what tells rankings apart."""

from pathlib import Path

from sppl.cli.jobs import Job
from sppl.cli.together import group_jobs, settings_of


def job(*words, strategy=None, **changed) -> Job:
    own = {"gpt4": {"name": "gpt4"}} if strategy is None else strategy
    names = {"benchmark": {"name": "lab"}, "target_model": {"name": "tiny"}}
    rank = {"_target_": "rank", "n_score": 6, "metric": {"sppl_n2": {}}, "strategy": own, **names} | changed
    return Job(Path("job"), list(words), {"stage": {"rank": rank}, "strategy": own, **names})


def files(*only, **more) -> dict:
    return {"_target_": "strategies_in", "folder": "mine", "only": list(only) or None, "derived": [], **more}


def test_all_files_and_some_of_them_are_all():
    (found,) = group_jobs([job(strategy=files("label")), job(strategy=files(derived=["mixture"]))])
    assert (found.arguments["strategy"]["only"], found.arguments["strategy"]["derived"]) == (None, ["mixture"])


def test_rankings_of_one_benchmark_and_target_are_told_apart_by_what_differs_and_by_nothing_else():
    jobs = [job(f"n_score={n}", f"seed={seed}", n_score=n) for n in (5, 10) for seed in (0, 1)]
    found = group_jobs(jobs)
    assert [one.settings for one in found] == [("n_score=5",), ("n_score=10",)]
    assert [one.jobs for one in found] == [jobs[:2], jobs[2:]]
    assert settings_of(job("n_score=20", "seed=0"), found) == ("n_score=20",)


def test_benchmarks_of_other_names_need_no_settings():
    found = group_jobs([job(f"benchmark={name}", benchmark={"name": name}) for name in ("lab", "gsm8k")])
    assert [one.settings for one in found] == [(), ()]


def test_a_strategy_with_other_settings_is_another_ranking_and_not_the_later_one():
    key = "strategy.gpt4.shots"
    jobs = [job(f"{key}={n}", strategy={"gpt4": {"name": "gpt4", "shots": n}}) for n in (1, 2)]
    assert [one.settings for one in group_jobs(jobs)] == [(f"{key}=1",), (f"{key}=2",)]


def test_metrics_of_other_names_stand_beside_each_other():
    jobs = [job(f"metric=[{name}]", metric={name: {}}) for name in ("sppl", "ifd")]
    assert [one.settings for one in group_jobs(jobs)] == [(), ()]


def test_one_metric_with_several_settings_is_told_apart():
    jobs = [job(f"metric.sppl.n={n}", metric={"sppl": {"n": n}}) for n in (1, 2)]
    assert [one.settings for one in group_jobs(jobs)] == [("metric.sppl.n=1",), ("metric.sppl.n=2",)]
