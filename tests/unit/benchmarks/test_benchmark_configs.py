"""Every benchmark of the paper composes, reads published records and the data set's own fields, and judges."""

import json
import os
from pathlib import Path

import pytest
from hydra.utils import instantiate

from sppl.benchmarks.harness import judge
from sppl.data.wording import MissingField
from sppl.schemas import UserError
from tests.unit.benchmarks.test_tasks import ANSWERS, PROMPT
from tests.unit.test_configs import CONF, composed

PAPER = sorted(set(ANSWERS) - {"lab", "local_number", "local_choice", "local_text"})
WORDS = {
    "arc_challenge": 'We have the question.\n"Which?"\n Here is the options\n(A): "x"\n(B): "y"\n(C): "z"\n\nWhat?\n',
    "ecqa": "We have the question: Which?\nand the options:\n(1): v\n(2): w\n(3): x\n(4): y\n(5): z\n\nwhat?\n",
    "boolq": "Given the context: Plums are fruit.\n\nare plums fruit?\n",
    "mbpp": "You program.\n\nTask: Write f.\nTest Example: assert f() == 1\n\n1. Only code.\n",
}
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def benchmark(name: str, *overrides: str):
    return instantiate(composed(f"benchmark={name}", *overrides).benchmark, _convert_="all")


def published(name: str, number: int) -> dict:
    """A record as the authors' strategy files hold it."""
    letters = "ABCDEFGHIJ" if name.startswith("mmlu_pro") else "ABCD"
    listed = "\n".join(f"({label}): {label} {number}" for label in letters)
    plain = PROMPT if name.startswith("plan") else f"Which one, {number}?\n{listed}\n"
    words = WORDS.get(name, plain).replace("Which?", f"Which {number}?").replace("are plums", f"{number} are plums")
    gold = ANSWERS[name][0]
    marks = {"task_id": number, "instance_id": number, "domain": "blocksworld"}
    tests = {"test_list": ["assert f() == 1"], "test_setup_code": ""}
    question = words + "\nThink, then say it after 'Final Answer:'\n"
    return {"question": question, "answer": f"Final Answer: {gold}", "gold_label": gold, **marks, **tests}


@pytest.fixture
def checkout(tmp_path):
    """A checkout of the authors' repository with two records of a task."""

    def make(name: str) -> str:
        folder = composed(f"benchmark={name}").benchmark.sources.upstream.questions.task
        place = tmp_path / "dataset" / folder / "varient"
        place.mkdir(parents=True)
        rows = [published(name, 1), published(name, 2)]
        for path in (place.parent / "gpt4.json", place / "gpt4_generated_step_by_step_1000.json"):
            path.write_text(json.dumps(rows))
        return str(tmp_path)

    return make


def test_there_are_27_tasks_of_the_paper_the_lab_and_your_own():
    assert sorted(path.stem for path in CONF.glob("benchmark/*.yaml")) == sorted([*PAPER, "lab", "words", "local"])
    assert len(PAPER) == 27


@pytest.mark.parametrize("name", PAPER)
def test_a_benchmark_reads_published_records_and_judges_one_right_and_one_wrong(name, checkout):
    one = benchmark(name, f"data_dir={checkout(name)}")
    questions = one.questions.questions("train")
    right, wrong = ANSWERS[name]
    assert len(questions) == 2
    assert all("say it after" not in question.prompt for question in questions), "the published instruction is cut off"
    assert len({question.id for question in questions}) == 2
    assert judge(one.task_file, questions, [f"Final Answer: {right}", f"Final Answer: {wrong}"]) == [1.0, 0.0]


class Named:
    def __init__(self, name: str, *aliases: str) -> None:
        self.name, self.aliases = name, aliases


def test_a_strategys_file_is_found_under_its_historical_name(checkout):
    one = benchmark("gsm8k", f"data_dir={checkout('gsm8k')}")
    questions = one.questions.questions("train")
    assert one.responses.respond(Named("step_by_step"), questions) == ["Final Answer: 72", "Final Answer: 72"]
    with pytest.raises(UserError, match="it has answers of gpt4, step_by_step"):
        one.responses.respond(Named("claude"), questions)


def test_a_missing_checkout_task_or_file_says_what_was_found(checkout):
    with pytest.raises(UserError, match="data_dir=FOLDER"):
        benchmark("gsm8k").questions.questions("train")
    root = checkout("gsm8k")
    with pytest.raises(UserError, match=r"WINOGRANDE is not there; .* has GSM8K"):
        benchmark("winogrande", f"data_dir={root}").questions.questions("train")
    with pytest.raises(UserError, match=r"no test questions of its own \(no test_filtered.json\); it has gpt4.json"):
        benchmark("gsm8k", f"data_dir={root}").questions.questions("test")


def test_the_splits_share_no_question_unless_the_papers_are_asked_for(checkout):
    root = checkout("arc_challenge")
    files = {"test": [3, 4, 1], "validation": [5, 3]}
    for split, numbers in files.items():
        rows = [published("arc_challenge", number) for number in numbers]
        Path(root, "dataset", "ARC_CHALLENGE", f"{split}.json").write_text(json.dumps(rows))
    disjoint = benchmark("arc_challenge", f"data_dir={root}").questions
    ids = [{question.id for question in disjoint.questions(split)} for split in ("train", "validation", "test")]
    assert [len(part) for part in ids] == [2, 1, 2]
    assert len(set.union(*ids)) == 5
    paper = benchmark("arc_challenge", f"data_dir={root}", "benchmark.splits=paper").questions
    assert [len(paper.questions(split)) for split in ("train", "validation", "test")] == [2, 2, 3]


ROWS = {
    "gsm8k": ({"question": "q", "answer": "so\n#### 72"}, "72"),
    "math_algebra": ({"problem": "q", "solution": "so $\\boxed{\\frac{3}{4}}$"}, "\\frac{3}{4}"),
    "mmlu": ({"question": "q", "choices": ["w", "x", "y", "z"], "answer": 1}, "B"),
    "arc_challenge": (
        {"question": "q", "choices": {"text": ["w", "x", "y"], "label": list("123")}, "answerKey": "2"},
        "B",
    ),
    "winogrande": ({"sentence": "q _", "option1": "x", "option2": "y", "answer": "2"}, "2"),
    "piqa": ({"goal": "q", "sol1": "x", "sol2": "y", "label": 1}, "2"),
    "hellaswag": ({"ctx": "q", "endings": ["w", "x", "y", "z"], "label": "1"}, "2"),
    "ecqa": ({"q_text": "q", **{f"q_op{n}": f"o{n}" for n in range(1, 6)}, "q_ans": "o2", "taskB": "so"}, "2"),
    "boolq": ({"passage": "p", "question": "q", "answer": True}, "True"),
    "squad": ({"context": "p", "question": "q", "answers": {"text": ["Denver Broncos", "Broncos"]}}, "Denver Broncos"),
    "esnli": ({"premise": "p", "hypothesis": "h", "label": 1, "explanation_1": "so"}, "neutral"),
    "mbpp": ({"task_id": 7, "text": "q", "code": "c", "test_list": ["assert f() == 1"], "test_setup_code": ""}, "c"),
}


@pytest.mark.parametrize("name", ROWS)
def test_the_data_sets_own_fields_make_the_same_kind_of_question(name):
    record, gold = ROWS[name]
    wording = benchmark(name, "benchmark.source=hub").questions.wording
    question = wording.read(record)
    assert question.answer == gold
    assert question.prompt.endswith(wording.instruction)
    with pytest.raises(MissingField):
        wording.read({})


@pytest.mark.parametrize("name", PAPER)
def test_the_hubs_splits_are_disjoint_too(name):
    slices = benchmark(name, "benchmark.source=hub").questions.slices
    parts = [set(), set(), set()]
    for place, text in zip(parts, slices.values(), strict=True):
        base, _, span = text.rstrip("]").partition("[")
        start, _, end = span.partition(":")
        place.update((base, at) for at in range(int(start or 0), int(end or 2000)))
    assert all(not parts[a] & parts[b] for a, b in ((0, 1), (0, 2), (1, 2)))


def test_an_unknown_source_is_answered_with_those_there_are():
    with pytest.raises(Exception, match="can be read from upstream, hub"):
        benchmark("gsm8k", "benchmark.source=disk")


@pytest.mark.skipif("SPPL_UPSTREAM" not in os.environ, reason="needs $SPPL_UPSTREAM, a checkout of the authors' data")
@pytest.mark.parametrize("name", ["gsm8k", "arc_challenge", "boolq", "ecqa", "mbpp", "plan_bench_generation"])
def test_every_strategy_file_of_the_real_checkout_answers_every_question(name):
    one = benchmark(name, f"data_dir={os.environ['SPPL_UPSTREAM']}")
    questions = one.questions.questions("train")
    assert len(questions) >= 300
    for strategy in (Named("gpt4"), Named("claude"), Named("human_examples", "openai_human_written_examples")):
        assert all(one.responses.respond(strategy, questions))
