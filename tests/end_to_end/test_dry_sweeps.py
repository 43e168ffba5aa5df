"""A dry sweep ends with the distinct work of all its jobs: what they share is counted once."""

from tests.conftest import QUICK

CHOSEN = ["-m", *QUICK, "metric=[perplexity]", "logger=[]", "dry=true", "name=dry"]


def totals(done) -> dict[str, str]:
    """The lines at the end, by stage."""
    lines = done.out.partition("all jobs together")[2].splitlines()[1:]
    return dict(line.split(maxsplit=1)[1].strip().split(": ", 1) for line in lines)


def test_jobs_share_predictions_responses_scores_and_the_untrained_model(run_py, tmp_path):
    done = run_py(*CHOSEN, "strategy=gpt4,claude", "seed=0,1", store=tmp_path / "new")
    assert done.code == 0, done.out
    said = totals(done)
    assert said["generate"] == "found 0 responses, to make: 48"  # 24 of each strategy, not of each job
    assert said["predict"] == "found 0, to make: 1 (1 predictions)"
    assert said["score"] == "found 0, to make: 2 (2 token_stats)"
    assert said["finetune"] == "found 0, to make: 4 (4 adapters)"
    assert said["benchmark"] == "found 0, to make: 10 (5 answers, 5 results)"  # the untrained target once for all
    assert said["rank"] == "found 0, to make: 4 (1 rankings, 1 samples, 2 scores)"
    assert not list((tmp_path / "new").rglob("*.parquet"))


def test_names_that_are_still_open_are_told_apart_by_their_settings(run_py, tmp_path):
    sizes = [word for word in CHOSEN if not word.startswith("n_train=")]
    done = run_py(*sizes, "strategy=gpt4", "n_train=24,12", "n_score=6", store=tmp_path / "new")
    said = totals(done)
    assert said["generate"] == "found 0 responses, to make: 24"  # the first 12 of 24 are the same
    assert said["finetune"] == "found 0, to make: 2 (2 adapters)"
    assert said["score"] == "found 0, to make: 1 (1 token_stats)"
    assert "adapters/lab/lab/gpt4/seed0-...)" in done.out  # people are not shown what tells them apart


def test_what_is_there_is_counted_as_found_and_only_the_rest_as_to_make(run_py, tmp_path):
    command = [word for word in CHOSEN if word != "dry=true"]
    one = ["stage=[generate,predict,score,rank]", "strategy=gpt4,claude"]
    assert run_py(*command, *one, store=tmp_path / "new").code == 0
    said = totals(run_py(*CHOSEN, one[0], "strategy=gpt4,claude,rewrite", store=tmp_path / "new"))
    assert said["generate"] == "found 48 responses, to make: 24"
    assert said["score"] == "found 2 (2 token_stats), to make: 1 (1 token_stats)"


def test_what_teachers_would_cost_is_summed_over_distinct_responses(run_py, tmp_path):
    asking = ["benchmark.respond=teacher", "stage=[generate]", "strategy=gpt4"]
    few = ["n_score=2", "logger=[]", "dry=true", "name=paid"]
    done = run_py("-m", *asking, *few, "n_train=4,8", "seed=0,1", store=tmp_path / "new")
    said = totals(done)
    assert said["generate"] == "found 0 responses, to make: 8 with 8 requests", done.out
    assert said["paid requests"].startswith("8, about $0.")


def test_a_single_dry_run_says_its_plan_once(run_py, tmp_path):
    done = run_py(*CHOSEN[1:], store=tmp_path / "new")
    assert "finetune: found 0, to make: 3" in done.out
    assert "all jobs together" not in done.out
