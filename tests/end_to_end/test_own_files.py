"""A folder of files becomes a ranking by one command; a broken one becomes one clear report and nothing else."""

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
