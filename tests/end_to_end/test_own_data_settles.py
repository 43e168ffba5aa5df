"""The printed command that settles a pick on own data runs as it is printed; where none can run, the reason is said."""

import json

import pytest

from tests.end_to_end.test_printed_commands import printed

pytestmark = pytest.mark.filterwarnings("default")
SMALL = ["benchmark=local", "benchmark.answer=number", "benchmark.max_new_tokens=16", "training.epochs=1", "logger=[]"]
RANKED = ["stage=[predict,score,rank]", "metric=[sppl,perplexity]", "metric.sppl.n_examples=1"]
SETTLED = "the 2 best of 2 by sppl_n1 were trained on"


def write(folder, n: int):
    for name, words in {"short": "{}", "long": "Let us add. Final Answer: {}"}.items():
        rows = [
            {"question": f"What is {k} + 1?", "response": words.format(k + 1), "gold": str(k + 1)} for k in range(n)
        ]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_the_printed_command_holds_out_what_it_needs_and_settles(run_py, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    write(folder, 12)
    first = run_py(*SMALL, *RANKED, f"data_dir={folder}", "n_score=11", "n_train=8", store=tmp_path / "store")
    (line,) = (words for words in printed(first.out) if "shortlist" in words[0])
    done = run_py(*line, store=tmp_path / "store")
    assert done.code == 0, done.out
    assert SETTLED in " ".join(done.out.split())
    assert "n_score=8" in done.out


def test_with_too_few_questions_the_report_says_what_the_folder_lacks(run_py, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    write(folder, 2)
    first = run_py(*SMALL, *RANKED, f"data_dir={folder}", store=tmp_path / "store")
    assert first.code == 0, first.out
    assert not [words for words in printed(first.out) if "shortlist" in words[0]]
    assert "2 training questions are too few to hold some of them out" in " ".join(first.out.split())
