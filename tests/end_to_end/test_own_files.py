"""A folder of files becomes a ranking by one command; a broken one becomes one clear report and nothing else."""

import json
import os
import re

import pandas as pd
import pytest

pytestmark = pytest.mark.filterwarnings("default")
OWN = ["benchmark=local", "benchmark.answer=number", "n_predict=40", "n_score=40"]
PICK = "stage=[predict,score,rank,report]"


def test_the_example_to_copy_gives_the_table_its_page_shows(root, run_py):
    done = run_py(PICK, *OWN, f"data_dir={root}/experiments/own_task/data", "name=own")
    assert done.code == 0, done.out
    found, shown = (
        pd.read_csv(path / "table.csv" if path.is_dir() else path).set_index("strategy")
        for path in (done.reports / "own", root / "experiments/own_task/expected.csv")
    )
    metrics = ["sppl_n2", "perplexity", "ifd", "length"]
    assert found.index.tolist() == shown.index.tolist() == ["steps", "terse", "told"]
    pd.testing.assert_frame_equal(found[metrics], shown[metrics], rtol=1e-3)


def test_a_broken_folder_is_one_report_and_leaves_nothing_behind(run_py, tmp_path):
    folder, store = tmp_path / "data", tmp_path / "empty"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"question": "1?", "response": "1", "gold": "1"}\n{"question": "2?"\n{"x": 1}\n')
    done = run_py(PICK, *OWN, f"data_dir={folder}", store=store)
    assert done.code == 1
    assert "Traceback" not in done.out
    assert "a.jsonl, line 2, column 18: broken JSON" in done.out
    assert "a.jsonl, line 3, field `question`: neither a question nor an id; the record has the fields 'x'" in done.out
    assert not list(store.rglob("*"))


@pytest.mark.skipif("SPPL_UPSTREAM" not in os.environ, reason="needs $SPPL_UPSTREAM, a checkout of the authors' data")
def test_published_answers_of_seven_strategies_end_in_a_ranking_with_confidence(run_py):
    names = ["gpt4", "claude", "mini_gpt4", "step_by_step", "human_examples", "gpt4_examples", "rewrite"]
    settings = ["benchmark=gsm8k", "benchmark.source=upstream", f"data_dir={os.environ['SPPL_UPSTREAM']}"]
    short = ["n_predict=4", "n_score=4", "benchmark.max_new_tokens=16", "metric=[sppl,perplexity]"]
    done = run_py("stage=[predict,score,rank]", *settings, *short, f"strategy=[{','.join(names)}]")
    assert done.code == 0, done.out
    said = re.search(
        r"(\w+) is ahead of (\w+) by sppl_n2; on 1,000 resamples of the 4 questions", " ".join(done.out.split())
    )
    assert {said[1], said[2]} < set(names)


def test_a_strategy_that_no_file_holds_is_answered_with_those_there_are(root, run_py):
    done = run_py(PICK, *OWN, f"data_dir={root}/experiments/own_task/data", "strategy.only=[nope]")
    assert done.code == 1
    assert f": strategy.only: nope not found; {root}/experiments/own_task/data has steps, terse, told" in done.out
    assert "UserError" not in done.out


def test_own_files_give_a_mixture_and_the_best_response_to_each_question(root, run_py):
    task = [f"data_dir={root}/experiments/own_task/data", "benchmark=local", "benchmark.answer=number"]
    small = ["n_predict=12", "n_score=6", "metric=[perplexity]", "name=derived"]
    done = run_py(PICK, *task, *small, "strategy.derived=[best_response,mixture]")
    assert done.code == 0, done.out
    values = pd.read_csv(done.reports / "derived" / "table.csv").set_index("strategy")["perplexity"]
    assert set(values.index) == {"steps", "terse", "told", "mixture", "best_response"}
    assert values["best_response"] == values.min()
    taken = pd.read_csv(done.reports / "derived" / "responses.csv").set_index("strategy")["note"]
    assert re.search(r"\d from (steps|terse|told)", taken["best_response"])
    assert "'strategy.derived=[best_response,mixture]' store=" in done.out
    assert "'strategy.only=[best_response]' n_train=all" in done.out


def test_a_system_turn_is_refused_with_the_setting_that_decides_and_goes_on_with_it(run_py, tmp_path):
    folder, store = tmp_path / "data", tmp_path / "store"
    folder.mkdir()
    turns = [{"role": "user", "content": "1 + 1?"}, {"role": "assistant", "content": "It is 2."}]
    rows = [
        {"messages": [{"role": "system", "content": "Be brief."}, *turns], "gold_label": "2 apples", "topic": "sums"}
    ]
    (folder / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = ["stage=[generate]", *OWN[:2], f"data_dir={folder}", "n_score=1", "n_train=1"]
    done = run_py(*settings, store=store)
    assert done.code == 1
    assert "mine.jsonl, line 1, field `messages`: a system turn ('Be brief.')" in done.out
    done = run_py(*settings, "benchmark.questions.system=prepend", store=store)
    assert done.code == 0, done.out
    assert (
        "mine.jsonl: in 1 of 1 records a system turn put before the question (benchmark.questions.system=prepend)"
        in done.out
    )
    assert "mine.jsonl: not read: topic (1)" in done.out
    (artifact,) = store.glob("verdicts/**/*.parquet")
    assert pd.read_parquet(artifact)["correct"].tolist() == [1.0]  # the gold answer was read as 2
