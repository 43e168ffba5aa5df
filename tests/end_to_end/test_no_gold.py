"""Own files without gold answers: ranked, exported and trained on; nothing is judged, and no accuracy is made up."""

import json

import pandas as pd
import pytest

pytestmark = pytest.mark.filterwarnings("default")
SMALL = ["n_predict=8", "n_score=6", "n_train=8", "training.epochs=1", "metric=[sppl,perplexity]", "name=none"]


@pytest.fixture
def no_gold(tmp_path):
    """The settings that read three files of 12 questions; not one has a gold answer."""
    folder = tmp_path / "data"
    folder.mkdir()
    written = {"short": "{}", "long": "Let us add them. The result is {}.", "asked": "Could it be {}?"}
    for name, words in written.items():
        rows = [{"question": f"What is {n} + 1?", "response": words.format(n + 1)} for n in range(12)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return ["benchmark=local", "benchmark.answer=none", f"data_dir={folder}", f"exports={tmp_path}/exports", *SMALL]


def test_the_whole_loop_ranks_trains_and_exports_without_one_verdict(run_py, no_gold, tmp_path):
    store = tmp_path / "store"
    done = run_py("stage=[generate,predict,score,rank,finetune,benchmark,export,report]", *no_gold, store=store)
    assert done.code == 0, done.out
    said = "benchmark: left out, local has no gold answers to judge by (benchmark.answer=none)"
    assert done.out.count(said) == 1
    assert "sppl_n2: no gold answers: the target's own answers are shown unjudged" in done.out
    assert "Caveat: No gold answers: the target's own answers are shown unjudged." in " ".join(done.out.split())
    assert "accuracy ┃" not in done.out
    assert {path.name for path in store.iterdir() if path.is_dir()} >= {"adapters", "rankings", "predictions"}
    assert not [name for name in ("verdicts", "answers", "results") if (store / name).exists()]
    assert len(list((store / "adapters" / "local" / "lab").iterdir())) == 3
    table = pd.read_csv(done.reports / "none" / "table.csv").set_index("strategy")
    assert table["sppl_n2"].notna().all()
    assert table["accuracy"].isna().all()
    assert pd.read_csv(done.reports / "none" / "responses.csv")["right"].isna().all()
    card = (tmp_path / "exports" / "local-data" / "long-n8" / "README.md").read_text()
    assert "they were not judged" in card
    assert "gold" not in card


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["stage=[export]", "stage.export.only_correct=true"], "nothing says which responses to local are right"),
        (["stage=[generate]", "benchmark.task=mine.yaml"], "leave one of them out"),
        (["stage=[score,rank]", "metric=[train_then_test]"], "train_then_test compares accuracies"),
        (["stage=[generate]", "benchmark.answer=nothing"], "one of choice, number, text, none"),
    ],
)
def test_what_would_need_a_verdict_is_refused_with_a_sentence(run_py, no_gold, tmp_path, given, said):
    groups = {word.partition("=")[0] for word in given}
    kept = [word for word in no_gold if word.partition("=")[0] not in groups]
    done = run_py(*kept, *given, store=tmp_path / "store")
    assert done.code == 1
    assert said in done.out
    assert "Traceback" not in done.out
