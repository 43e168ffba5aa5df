"""`check data_dir=F` says what a folder holds and what goes on from there; a refusal of data says the same causes."""

import json
import re
import shlex

import pytest

from sppl.data.folder import data_files

pytestmark = pytest.mark.filterwarnings("default")
PENS = "Ann has {} pens and gets 3 more. How many?"


def written(folder, rows, name):
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


@pytest.fixture
def messy(tmp_path):
    """Three files of one task: a chat with system turns and gaps in its gold answers, an array with a gap, a table."""
    folder = tmp_path / "data"
    folder.mkdir()
    asked = [(PENS.format(n) if n % 3 else f"小明有{n}支笔，又买了3支。一共几支？", n + 3) for n in range(1, 21)]
    chats = [
        {"messages": [{"role": "system", "content": f"Rule {gold}."}, {"role": "user", "content": question},
                      {"role": "assistant", "content": f"We add, so it is {gold} pens."}],
         "gold_label": str(gold) if gold % 7 else ""}
        for question, gold in asked
    ]  # fmt: skip
    text = "".join(json.dumps(row, ensure_ascii=False) + "\r\n" for row in chats)
    (folder / "chat.jsonl").write_bytes(b"\xef\xbb\xbf" + text.encode())
    outputs = [{"instruction": question, "output": f"Answer: {gold}" if gold != 9 else ""} for question, gold in asked]
    (folder / "short.json").write_text(json.dumps([*outputs, outputs[0]], ensure_ascii=False))
    lines = [f'"{question}","It is {gold}."' for question, gold in asked[:18]]
    (folder / "said.csv").write_text("\n".join(["question,response", *lines]))
    for name in ("a.xlsx", "notes.docx"):
        (folder / name).write_text("x")
    (folder / "sub").mkdir()
    return folder


def told(out, line):
    """What one line of the text says, however it was broken."""
    joined = " ".join(out.split())
    assert " ".join(line.split()) in joined, out


def last_command(out):
    return shlex.split(out.strip().splitlines()[-1])[2:]


def test_it_counts_judges_and_measures_and_ends_in_the_command_that_goes_on(run_py, messy, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    done = run_py("check", f"data_dir={messy}", store=tmp_path / "empty")
    assert done.code == 1
    told(done.out, "chat.jsonl responses messages 20 20")
    told(done.out, "short.json responses instruction, output 21 1 1")
    told(done.out, "said 18 18 of 20 0 of 15")
    told(done.out, "17 training questions have a response of 3 strategies; left out for all")
    told(done.out, "Gold answers: 17 of 20 questions have one.")
    told(
        done.out, "Is benchmark.answer=text right? It judges 16 of 48 responses right; 32 that it judges wrong end with"
    )
    told(done.out, "benchmark.answer=number judges 48 of 48 right.")
    told(done.out, "Not read: a.xlsx (save it as CSV UTF-8 first); notes.docx; sub (a folder; data_dir takes one).")
    told(done.out, "(1) chat.jsonl, line 1, field `messages`: a system turn ('Rule 4.')")
    told(done.out, "(20 times; also on line 2, 3, 4, ...)")
    assert len(re.findall(r"^\(\d+\) ", done.out, re.MULTILINE)) == 3
    assert re.search(r"the longest question with response has \d+, the target reads 16384: all\s+fit", done.out)
    assert not [line for line in done.out.splitlines() if len(line) > 80 and not line.startswith("  python")]
    assert not (tmp_path / "empty").exists()
    assert not list(tmp_path.glob("run*"))
    given = [word for word in last_command(done.out) if not word.startswith(("store=", "reports=", "hydra."))]
    assert "benchmark.answer=number" in given
    again = run_py("check", *[word for word in given if not word.startswith("stage=")], store=tmp_path / "empty")
    assert again.code == 0, again.out
    told(again.out, "Gold answers: 17 of 17 questions have one.")
    told(again.out, "Without gold answer, left out (benchmark.questions.empties):")
    assert "To mend" not in again.out
    assert last_command(again.out)[0] == "stage=[predict,score,rank,report]"
    given = [word for word in given if not word.startswith("stage=")]
    whole = run_py(
        *given, "n_predict=2", "n_score=2", "metric=[length]", "stage=[score,rank]", store=tmp_path / "store"
    )
    assert whole.code == 0, whole.out


def test_a_refusal_has_the_same_causes_once_and_the_command_that_goes_on(run_py, messy, tmp_path):
    own = [
        "stage=[generate]",
        "benchmark=local",
        f"data_dir={messy}",
        "benchmark.answer=number",
        "n_train=2",
        "n_score=2",
    ]
    done = run_py(*own, store=tmp_path / "empty")
    assert done.code == 1
    assert done.out.count("a system turn ('Rule 4.')") == 1
    assert "3 problems in 2 data files, nothing was read:" in done.out
    assert max(map(len, done.out.splitlines())) < 700
    ways = "benchmark.questions.system=drop benchmark.questions.empties=drop"
    go_on = next(
        line for line in done.out.splitlines() if line.startswith("  python run.py stage") or "generate" in line
    )
    assert go_on.endswith(ways)
    assert f"  python run.py check benchmark=local data_dir={messy} benchmark.answer=number" in done.out
    assert not [path for path in (tmp_path / "empty").rglob("*") if path.is_file()]
    assert run_py(*own, *ways.split(), store=tmp_path / "store").code == 0


def test_files_that_only_a_hand_can_mend_end_in_the_command_that_looks_again(run_py, tmp_path):
    written(tmp_path / "data", [{"task": "1?", "reply": "2", "label": "2"}], "x")
    done = run_py("check", f"data_dir={tmp_path / 'data'}", "target_model.template=paper")
    assert done.code == 1
    told(done.out, "To mend: (1) x.jsonl, line 1, field `question`: neither a question nor an id")
    assert last_command(done.out)[:2] == ["check", "benchmark=local"]
    mapped = "benchmark.questions.fields={question: task, response: reply, gold: label}"
    done = run_py("check", f"data_dir={tmp_path / 'data'}", mapped)
    assert done.code == 0, done.out
    assert mapped in last_command(done.out)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "benchmark=local needs a folder with your files: data_dir=FOLDER"),
        (["-m", "data_dir=a,b"], "check takes settings (name=value) and looks at one folder; -m is none"),
        (["data_dir=nowhere"], "data_dir=nowhere: no such folder"),
        (["benchmark=lab"], "benchmark=lab: `check` looks at files of your own"),
        (["data_dir=docs"], "data_dir=docs has no data file"),
        (["data_dir=x", "+n_tests=5"], "nothing reads a setting `n_tests`"),
        (["data_dir=x", "benchmark.questions.system=keep"], "benchmark.questions.system=keep: there are refuse"),
        (
            ["data_dir=experiments/own_task/data", "benchmark.answer=code"],
            "benchmark.answer=code: say what an answer is",
        ),
    ],
)
def test_what_cannot_be_looked_at_is_one_sentence(given, said, run_py):
    done = run_py("check", *given)
    assert done.code == 1
    assert said in done.out
    assert "Traceback" not in done.out


def test_without_gold_answers_nothing_is_judged_and_a_run_can_go_on(run_py, tmp_path):
    for name in ("x", "y"):
        written(tmp_path / "data", [{"question": f"{n}?", "response": f"{name} {n}"} for n in range(4)], name)
    done = run_py("check", f"data_dir={tmp_path / 'data'}")
    assert "benchmark.answer=none" in last_command(done.out)
    done = run_py("check", f"data_dir={tmp_path / 'data'}", "benchmark.answer=none")
    assert done.code == 0, done.out
    assert "judged right" not in done.out


def test_a_target_whose_tokenizer_is_not_here_is_said_and_all_else_is_told(run_py, tmp_path, root):
    data = f"data_dir={root}/experiments/own_task/data"
    (tmp_path / "nothing").mkdir()
    (tmp_path / "nothing" / "config.json").write_text("{}")
    done = run_py("check", data, "benchmark.answer=number", f"target_model.path={tmp_path / 'nothing'}")
    assert done.code == 1, done.out
    told(done.out, "To mend: the target model cannot be loaded: ")
    assert "Go on with" not in done.out
    told(done.out, f"{data} benchmark.answer=number target_model.path=FOLDER_OR_HUB_ID")
    told(done.out, "steps 40 40 of 40 40 of 40")


def test_questions_that_no_two_files_share_are_not_compared(run_py, tmp_path):
    for name in ("x", "y"):
        rows = [{"id": f"{name}{n}", "question": f"{n}?", "response": f"{n}", "gold": "2"} for n in range(4)]
        written(tmp_path / "data", rows, name)
    done = run_py("check", f"data_dir={tmp_path / 'data'}")
    assert done.code == 1
    told(done.out, "No question is answered by every strategy, so nothing can be compared")
    assert len(data_files(str(tmp_path / "data"))) == 2


def test_gold_answers_that_the_rule_cannot_meet_are_named_and_a_run_would_be_refused(run_py, tmp_path):
    rows = [{"question": f"{n}?", "response": "x", "gold": "Final Answer: y"} for n in range(3)]
    written(tmp_path / "data", rows, "x")
    done = run_py("check", f"data_dir={tmp_path / 'data'}")
    assert done.code == 1
    told(
        done.out, "Gold answers: 3 of 3 questions have one; 3 are wrong by the rule itself, such as 'Final Answer: y' ("
    )
    assert last_command(done.out)[:2] == ["check", "benchmark=local"]


def test_questions_alone_end_in_what_teachers_would_cost(run_py, tmp_path):
    written(tmp_path / "data", [{"question": f"{n} + 1?", "answer": str(n + 1)} for n in range(3)], "questions")
    done = run_py("check", f"data_dir={tmp_path / 'data'}", "benchmark.answer=number", "target_model=lab")
    assert done.code == 0, done.out
    planned = run_py(*last_command(done.out), store=tmp_path / "empty")
    assert planned.code == 0, planned.out
    assert "3 requests to gpt_4o" in planned.out
    assert not (tmp_path / "empty").exists()


def test_a_single_strategy_is_said_to_have_no_rival_and_full_columns_are_named(run_py, tmp_path):
    rows = "".join(f"q{n},What is {n}?,So {n},A {n},B {n}\n" for n in range(4))
    (tmp_path / "all.csv").write_text(f"id,question,response,gpt4,claude\n{rows}")
    done = run_py("check", f"data_dir={tmp_path}", "benchmark.answer=none")
    assert done.code == 0
    said = "One strategy has nothing to be compared with; each is a file of its own, with id and response; are gpt4, "
    assert f"{said}claude responses of strategies? Then write a file for each." in " ".join(done.out.split())
