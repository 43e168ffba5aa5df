"""What a user types, with numbers small enough for seconds."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.conftest import QUICK

pytestmark = pytest.mark.filterwarnings("default")
THREE = "strategy=[gpt4,claude,rewrite]"


def written(store: Path) -> dict[str, int]:
    """Every artifact and when it was written."""
    artifacts = [path for path in store.rglob("*.json") if "jobs" not in path.parts]  # the ledger of what was typed
    return {str(path): path.stat().st_mtime_ns for path in artifacts}


def test_the_loop_ends_with_a_table_of_every_strategy_and_the_untrained_target(run_py, shared_store):
    done = run_py(*QUICK, THREE, "name=loop")
    assert done.code == 0, done.out
    table = pd.read_csv(done.reports / "loop" / "table.csv")
    assert table.columns[:3].tolist() == ["benchmark", "target_model", "strategy"]
    assert set(table["strategy"]) == {"gpt4", "claude", "rewrite", "untrained"}
    assert {"sppl_n2", "perplexity", "ifd", "length", "accuracy", "accuracy_se", "gain", "rank_accuracy"} <= set(table)
    trained = table[table["strategy"] != "untrained"]
    assert trained.drop(columns="note").notna().all(axis=None)
    base = table.set_index("strategy").loc["untrained", "accuracy"]
    assert trained["gain"].tolist() == pytest.approx((trained["accuracy"] - base).tolist())
    metrics = pd.read_csv(done.reports / "loop" / "metrics.csv")
    assert metrics["metric"].tolist() == ["sppl_n2", "perplexity", "ifd", "rank_surprisal_ratio", "length"]
    assert {"direction", "spearman", "picked", "regret"} <= set(metrics)
    assert "gpt4 (simulated)" in done.out
    assert "no Spearman (3 strategies to compare" in " ".join(done.out.split())
    assert "gpt4 (simulated)" in (done.reports / "loop" / "index.html").read_text()
    assert list((done.reports / "loop" / "plots").glob("scatter-*.svg"))
    before = written(shared_store)
    again = run_py(*QUICK, THREE, "name=again")
    assert again.code == 0, again.out
    assert written(shared_store) == before  # nothing is computed twice
    assert "to make:" not in again.out
    for name in ("table.csv", "metrics.csv"):
        assert (again.reports / "again" / name).read_bytes() == (done.reports / "loop" / name).read_bytes()


def test_a_sweep_gives_the_same_table_as_a_list(run_py, shared_store):
    one = run_py(*QUICK, THREE, "name=list")
    before = written(shared_store)
    many = run_py("-m", "strategy=gpt4,claude,rewrite", *QUICK, "name=sweep")
    assert (one.code, many.code) == (0, 0), many.out
    assert (many.reports / "sweep" / "table.csv").read_bytes() == (one.reports / "list" / "table.csv").read_bytes()
    assert written(shared_store) == before


def test_a_sweep_over_seeds_and_sizes_groups_into_rows_with_a_spread(run_py):
    done = run_py("-m", "strategy=gpt4,claude", "seed=0,1", "n_train=12,24", *QUICK[1:], "name=grid")
    assert done.code == 0, done.out
    table = pd.read_csv(done.reports / "grid" / "table.csv")
    trained = table[table["strategy"] != "untrained"]
    assert sorted(zip(trained["strategy"], trained["n_train"], strict=True)) == [
        ("claude", 12),
        ("claude", 24),
        ("gpt4", 12),
        ("gpt4", 24),
    ]
    assert trained["n_seeds"].tolist() == [2, 2, 2, 2]


def test_a_failing_job_leaves_the_rest_and_a_table_that_names_the_gap(run_py):
    done = run_py("-m", "strategy=gpt4,gpt4_examples", *QUICK, "name=gap")
    assert done.code == 1
    table = pd.read_csv(done.reports / "gap" / "table.csv").set_index("strategy")
    assert table.loc["gpt4", "accuracy"] >= 0
    assert pd.isna(table.loc["gpt4_examples", "accuracy"])
    assert table.loc["gpt4_examples", "note"].startswith("failed: strategy=gpt4_examples")
    assert "Traceback" not in done.out


def test_a_dry_run_says_what_it_would_make_and_makes_nothing(run_py, tmp_path):
    done = run_py(*QUICK, THREE, "dry=true", store=tmp_path / "empty")
    assert done.code == 0, done.out
    for stage, count in {"generate": 3, "predict": 1, "score": 9, "finetune": 3, "benchmark": 8, "rank": 17}.items():
        assert f"{stage}: found 0, to make: {count}" in done.out
    assert not (tmp_path / "empty").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["strategy=gpt4_examples"], r"no strategy 'gpt4_examples'; it has gpt4, claude"),
        (["strategy=[]"], r"the list `strategy` is empty; choose one or more, e.g. 'strategy=\[gpt4\]'"),
        (["metric=[]"], r"the list `metric` is empty.*There are: .*sppl"),
        (["stage=[]"], r"the list `stage` is empty"),
        (["+metric.sppl.window=3"], r"window"),
        (["metric.sppl.n_examples=0"], r"n_examples >= 1, got 0"),
        (["target_model.path=/nowhere/model"], r"cannot be loaded from '/nowhere/model'.*target_model.path=FOLDER"),
        (["n_score=0"], r"whole number above 0"),
        (["n_test=100000"], r"500"),
        (["benchmark.task=nope"], r"no such task. There are .*lab"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_mistake_is_one_clear_sentence_and_exit_code_1(run_py, arguments, said):
    done = run_py(*QUICK, *arguments)
    assert done.code == 1
    assert re.search(said, done.out, re.DOTALL), done.out
    assert "Traceback" not in done.out


def test_wandb_and_tensorboard_runs_are_finished_offline_and_hold_no_secrets(run_py, tmp_path, monkeypatch):
    secret = "sk-" + "planted0" * 4
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    chosen = ["strategy=gpt4,claude", *QUICK, "logger=[csv,wandb,tensorboard]", "name=logged"]
    done = run_py("-m", *chosen, store=tmp_path / "store")  # where all is new, so all is logged
    assert done.code == 0, done.out
    runs = sorted(tmp_path.glob("sweep/**/run-*.wandb"))
    assert len(runs) == 4  # one per strategy, one of the untrained target, one for rank and report
    assert len({path.parent for path in tmp_path.glob("sweep/**/events.out.tfevents.*")}) == 4
    logged = pd.read_csv(tmp_path / "sweep" / "0" / "csv" / "gpt4,seed=0" / "metrics.csv")
    assert {"benchmark/accuracy", "generate/correct", "score/question/loss"} <= set(logged)
    other = pd.read_csv(tmp_path / "sweep" / "1" / "csv" / "claude,seed=0" / "metrics.csv")
    assert set(other) == set(logged)  # so runs share charts
    assert not any("gpt4" in key for key in logged)
    untrained = pd.read_csv(tmp_path / "sweep" / "0" / "csv" / "untrained,seed=0" / "metrics.csv")
    assert {"predict/correct", "benchmark/accuracy"} <= set(untrained)
    settings = yaml.safe_load((tmp_path / "sweep" / "0" / "csv" / "gpt4,seed=0" / "hparams.yaml").read_text())
    assert (settings["strategy"], settings["seed"], settings["n_train"]) == ("gpt4", 0, 24)
    assert not [key for key in settings if key.startswith(("teacher", "policy", "logger", "strategy."))]
    again = run_py("-m", *chosen, "stage=[predict,score,rank,report]", store=tmp_path / "store")
    dry = run_py("-m", *chosen, "seed=1", "dry=true", store=tmp_path / "store")
    assert (again.code, dry.code) == (0, 0), again.out + dry.out
    assert sorted(tmp_path.glob("sweep/**/run-*.wandb")) == runs  # what was found is not told again
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    import wandb

    assert wandb.run is None


def test_a_race_ends_with_a_ranking_that_says_where_each_strategy_dropped_out(run_py):
    race = ["scorer.budget=race", "scorer.first=4", "scorer.then=1", "metric=[sppl,length]"]
    done = run_py(*QUICK, THREE, *race, "stage=[predict,score,rank,report]", "name=race")
    assert done.code == 0, done.out
    assert re.search(
        r"race by sppl_n2, 4 of 6 questions: gpt4 leads \(0\.\d+ nats per token; limit z \d+\.\d\)", done.out
    )
    said = " ".join(done.out.split())
    assert re.search(r"lab / lab: race by sppl_n2: .* of 6 questions; \d+ of 18 responses scored", said)
    decisions = pd.read_csv(done.reports / "race" / "race.csv")
    assert decisions.columns[:5].tolist() == ["benchmark", "target_model", "metric", "questions", "of"]
    assert "Race: where each strategy stood" in (done.reports / "race" / "index.html").read_text()
    swept = run_py("-m", "strategy=gpt4,claude", *QUICK, *race, "name=swept")
    assert swept.code == 1
    assert "needs all of them in one job" in swept.out
    assert "python run.py 'strategy=[gpt4,claude]' n_train=24" in swept.out


def test_job_records_name_their_artifacts(run_py, tmp_path):
    assert run_py(*QUICK, "strategy=[gpt4]", "stage=[generate,predict]").code == 0
    record = json.loads((tmp_path / "run0" / "job.json").read_text())
    assert record["status"] == "done"
    assert record["artifacts"]["predict"][0].startswith("predictions/lab/lab/n12-")
