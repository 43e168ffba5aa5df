import pandas as pd
import pytest

from tests.unit.benchmarks.test_lm_eval_tasks import DOCUMENTS, write_task

pytestmark = pytest.mark.filterwarnings("default")


def test_further_tasks_are_artifacts_of_their_own_and_columns_of_the_tables(stage, made, tmp_path):
    also = f"benchmark.also=[{write_task(tmp_path, DOCUMENTS)}]"
    given = ["strategy=[gpt4]", "seed=7"]
    stage("finetune", made, *given)
    plain = stage("benchmark", made, *given)
    plan = stage("benchmark", made, *given, also)
    further = [name for name in plan.to_make if name.startswith("also_results/")]
    assert set(plan.found + plan.to_make) == {*plain.found, *plain.to_make, *further}
    assert [name.split("/")[2:5] for name in further] == [
        ["lab", "gpt4", "arc_here"],
        ["lab", "untrained", "arc_here"],
    ]
    assert not stage("benchmark", made, *given, also, dry=True).to_make
    stage("report", made, f"reports={tmp_path}", *given, rankings=[], results=plan.found + plan.to_make)
    figures = pd.read_csv(tmp_path / "default" / "also.csv").set_index(["strategy", "metric"])
    table = pd.read_csv(tmp_path / "default" / "table.csv").set_index("strategy")
    for strategy in ("gpt4", "untrained"):
        assert table.loc[strategy, "also_arc_here"] == figures.loc[(strategy, "acc"), "value"]
    assert len(figures) == 4
    assert "also_arc_here" in (tmp_path / "default" / "index.html").read_text()


def test_a_further_task_that_cannot_be_read_stops_a_run_before_any_training(run_py, tmp_path):
    done = run_py("strategy=[gpt4]", "stage=[finetune,benchmark]", "benchmark.also=[nowhere.yaml]", store=tmp_path)
    assert done.code == 1
    assert "benchmark.also=nowhere.yaml: there is no such file" in done.out
    assert not list(tmp_path.rglob("adapter*"))
