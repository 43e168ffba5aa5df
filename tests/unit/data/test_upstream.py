"""A checkout holds more than one strategy's answers per file: which files count, and what is said of the others."""

import json
import logging

import pytest

import sppl.data.upstream
from sppl.data.upstream import UpstreamQuestions, UpstreamResponses
from sppl.data.wording import Wording
from sppl.schemas import UserError

WORDING = Wording(published=r"^(?P<question>.*?)\s*(?:\n[^\n]*Final Answer[^\n]*\s*)*$", answer="gold_label|number")
STRATEGIES = {"claude": (), "gpt4": (), "step_by_step": (), "rewrite": ("rewirte_groundtruth_in_own_words",)}


class Named:
    def __init__(self, name, *aliases):
        self.name, self.aliases = name, aliases


def record(number, **other):
    question = f"What is {number} + 1?\n\nPut it after 'Final Answer:'\n"
    return {"question": question, "input": "", "answer": f"It is {number + 1}.", "gold_label": str(number + 1)} | other


def raw(number):
    return {"question": f"What is {number} + 1?", "number": f"{number + 1}"}


class Checkout:
    """A checkout with one task, TASK, of three questions."""

    def __init__(self, root):
        self.root, self.place = root, root / "dataset" / "TASK"
        (self.place / "varient").mkdir(parents=True)
        for name in ("claude", "gpt4", "varient/gpt4_generated_step_by_step_1000"):
            self.put(f"{name}.json", [record(n) for n in (1, 2, 3)])

    def put(self, name, rows):
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(rows if isinstance(rows, str) else json.dumps(rows, ensure_ascii=False, indent=1))

    def questions(self, split="train", n=None, **settings):
        settings = {"strategies": STRATEGIES, "wording": WORDING} | settings
        return UpstreamQuestions(str(self.root), "TASK", **settings).questions(split, n)

    def asked(self, split="train", **settings):
        return [int(question.prompt.split()[2]) for question in self.questions(split, **settings)]

    def answers(self, strategy):
        asked = self.questions()
        return UpstreamResponses(str(self.root), "TASK", WORDING).respond(strategy, asked)

    def refused(self, split="train", **settings):
        with pytest.raises(UserError) as caught:
            self.questions(split, **settings)
        return str(caught.value)


@pytest.fixture
def checkout(tmp_path, caplog):
    sppl.data.upstream._say.cache_clear()
    caplog.set_level(logging.INFO)
    return Checkout(tmp_path)


OTHERS = {
    "redundant.json": [record(1)],
    "varient/paraphrase.json": [record(3), record(2)],
    "total.json": "",
    "task_7.json": {"instances": []},
    "broken.json": "[{",
    "varient/gpt4_generated_step_by_step_1000_good.json": [record(1)],
    "varient/claude_step_by_step.json": [{"question": "other"}],
    "best_varient/mistral_best.json": [{"question": 1}],
    "old/claude.json": [record(9)],
    "notes.txt": "x",
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_of_no_strategy_shrinks_nothing_and_is_named(name, checkout, caplog):
    checkout.put(name, OTHERS[name])
    assert checkout.asked() == [1, 2, 3]
    said = "passed over: nothing" if name.endswith("txt") else f"passed over: {name.removeprefix('varient/')}"
    assert said.rpartition("/")[0] in caplog.text
    assert "answered by claude 3, gpt4 3, step_by_step 3; no file of rewrite" in caplog.text


def test_a_strategy_that_is_asked_for_by_name_is_found_and_counts_once_it_is_named(checkout):
    checkout.put("varient/simple_response.json", [record(3, answer="3!"), record(1, answer="1!")])
    with pytest.raises(UserError, match=r"no answer to question .*\n'\+benchmark\.sources\.upstream\.questions\.strat"):
        checkout.answers(Named("simple_response"))
    assert checkout.asked(strategies={**STRATEGIES, "simple_response": ()}) == [1, 3]


@pytest.mark.parametrize(
    "name", ["varient/gpt4_generated_rewirte_groundtruth_in_own_words_1000", "varient/rewrite", "rewrite_1000"]
)
def test_a_strategy_has_one_of_several_names(name, checkout):
    checkout.put(f"{name}.json", [record(n, answer=f"again {n}") for n in (1, 2, 3)])
    assert checkout.answers(Named("rewrite", *STRATEGIES["rewrite"])) == ["again 1", "again 2", "again 3"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("claude.json", "Claude.JSON"),
        ("varient", "Varient"),
        ("varient", "variant"),
        ("../TASK", "../Task"),
        ("../../dataset", "../../Dataset"),
    ],
)
def test_names_count_whatever_their_case(old, new, checkout):
    (checkout.place / old).resolve().rename((checkout.place / new).resolve())
    assert checkout.asked() == [1, 2, 3]
    assert checkout.answers(Named("claude"))[0] == "It is 2."


def test_without_the_folder_of_variants_the_others_are_read(checkout, caplog):
    (checkout.place / "varient/gpt4_generated_step_by_step_1000.json").unlink()
    (checkout.place / "varient").rmdir()
    assert checkout.asked() == [1, 2, 3]
    assert "answered by claude 3, gpt4 3; no file of step_by_step, rewrite" in caplog.text


def test_a_strategy_with_fewer_answers_leaves_questions_out_and_is_named_with_the_way_on(checkout, caplog):
    checkout.put("gpt4.json", [record(1), record(2, answer="  "), record(3, answer=None), record(4)])
    assert checkout.asked() == [1]
    assert "3 questions are not answered by every strategy, left out (claude 3, gpt4 2, step_by_step 3)" in caplog.text
    assert "'~benchmark.sources.upstream.questions.strategies.NAME'" in caplog.text
    assert checkout.asked(strategies={"claude": ()}) == [1, 2, 3]
    checkout.put("gpt4.json", [record(7)])
    assert "no question is answered by every strategy (claude 3, gpt4 1, step_by_step 3)" in checkout.refused()


def test_rows_in_another_order_belong_to_the_same_questions(checkout):
    checkout.put("gpt4.json", [record(n, answer=f"gpt4 {n}") for n in (3, 1, 2)])
    assert checkout.asked() == [1, 2, 3]
    assert checkout.answers(Named("gpt4")) == ["gpt4 1", "gpt4 2", "gpt4 3"]


def test_white_space_and_the_closing_instruction_make_no_other_question(checkout):
    rows = [record(n) for n in (1, 2, 3)]
    for row in rows:
        row["question"] = row["question"].replace(" + ", "  +\n").replace("Put it after", "Well, at last, after")
    checkout.put("gpt4.json", rows)
    assert checkout.asked() == [1, 2, 3]


def test_a_question_that_is_asked_twice_counts_once_and_is_counted(checkout, caplog):
    checkout.put("claude.json", [record(1), record(2), record(1, answer="other"), record(3)])
    assert checkout.asked() == [1, 2, 3]
    assert checkout.answers(Named("claude"))[0] == "It is 2."
    assert "claude.json: asked before, left out: 1 records (line 14)" in caplog.text


@pytest.mark.parametrize("gold", [2, 2.0, "2", " 2 "])
def test_a_gold_answer_that_is_a_number_is_its_text(gold, checkout):
    checkout.put("claude.json", [record(1, gold_label=gold), record(2), record(3)])
    assert [question.answer for question in checkout.questions()] == ["2", "3", "4"]


def test_gold_answers_that_differ_between_files_are_named(checkout, caplog):
    checkout.put("gpt4.json", [record(1, gold_label="9"), record(2), record(3)])
    assert [question.answer for question in checkout.questions()] == ["2", "3", "4"]
    assert "gpt4 has another gold answer than the files before it" in caplog.text


@pytest.mark.parametrize("empty", [None, "", "  ", []])
def test_a_gold_answer_is_taken_from_the_file_that_has_one(empty, checkout, caplog):
    checkout.put("claude.json", [record(n, gold_label=empty) for n in (1, 2, 3)])
    assert [question.answer for question in checkout.questions()] == ["2", "3", "4"]
    for name in ("gpt4", "varient/gpt4_generated_step_by_step_1000"):
        checkout.put(f"{name}.json", [record(1, gold_label=empty), record(2), record(3)])
    assert checkout.asked() == [2, 3]
    assert "1 training questions have no gold answer: left out" in caplog.text


def test_one_record_of_a_hundred_may_be_unreadable_and_is_named_more_are_refused(checkout, caplog):
    rows = [record(n) for n in range(200)]
    rows[3]["gold_label"], rows[4]["gold_label"] = ["3"], True
    for name in ("claude", "gpt4", "varient/gpt4_generated_step_by_step_1000"):
        checkout.put(f"{name}.json", rows)
    assert len(checkout.asked()) == 199  # true is a gold answer of BoolQ
    assert "claude.json, line 20, field `gold_label|number`: text is wanted, this is a list (left out)" in caplog.text
    for row in rows[10:13]:
        row["answer"] = ["a list"]
    checkout.put("gpt4.json", rows)
    said = checkout.refused()
    assert "2 problems in 1 data file" in said
    assert "(3 times; also on line 72, 80)" in said


def test_every_problem_of_every_strategys_file_is_in_one_report_with_the_way_on(checkout):
    checkout.put("claude.json", '[{"question": "a"')
    checkout.put("gpt4.json", [record(1), {"input": ""}, {"question": "What?", "answer": 1}])
    said = checkout.refused()
    assert "3 problems in 2 data files" in said
    for part in (
        "claude.json, line 1, column 18: broken JSON",
        "gpt4.json, line 8, field `question`: the record has no such field, it has input",
        "gpt4.json, line 11, field `gold_label|number`: the record has no such field, it has question, answer",
        "'~benchmark.sources.upstream.questions.strategies.NAME'",
    ):
        assert part in said


def test_prompts_of_another_shape_are_taken_whole_and_said_so(checkout, caplog):
    fielded = Wording("{passage}: {asked}", published=r"^Passage (?P<passage>.*) Asked (?P<asked>.*)$")
    assert checkout.questions(wording=fielded)[0].prompt == "What is 1 + 1?"
    assert "the prompts have another shape than expected and are taken whole" in caplog.text


@pytest.mark.parametrize("name", ["test.json", "Test.json", "test_filtered.json", "test/level-3.json"])
def test_test_questions_are_found_under_their_several_names(name, checkout):
    checkout.put(name, [raw(8), raw(9)])
    assert checkout.asked("test", test=["test.json", "test_filtered.json", "test/level-3.json"]) == [8, 9]


def test_of_several_files_with_test_questions_the_first_counts(checkout):
    checkout.put("test.json", [{"question": "unlabelled?"}])
    checkout.put("test_filtered.json", [raw(8)])
    assert checkout.asked("test", test=["test_filtered.json", "test.json"]) == [8]


def test_what_is_missing_is_said_in_one_sentence(checkout):
    assert checkout.refused("test").startswith("TASK has no test questions of its own (no test.json); it has claude")
    assert "(the authors have none)" in checkout.refused("validation", validation=[])
    for path in checkout.place.glob("**/*.json"):
        path.unlink()
    checkout.put("old/claude.json", [record(9)])
    checkout.put("test.json", [raw(8)])
    said = checkout.refused()
    assert "has no file of a strategy (claude, gpt4, step_by_step, rewrite), so no training questions; it has" in said
    assert said.endswith("its folder old has: benchmark.sources.upstream.questions.task=TASK/old")
    assert checkout.asked("test") == [8]
    assert UpstreamQuestions(str(checkout.root), "TASK/old", WORDING, STRATEGIES).questions("train")[0].answer == "10"


def test_the_splits_share_no_question_and_one_that_is_all_elsewhere_says_so(checkout, caplog):
    checkout.put("test.json", [raw(3), raw(4)])
    checkout.put("validation.json", [raw(4), raw(1)])
    assert checkout.asked("test") == [4]
    assert "1 test questions are asked elsewhere too" in caplog.text
    assert "(all 2 of validation.json are asked elsewhere too)" in checkout.refused("validation")
    assert checkout.asked("validation", splits="paper") == [4, 1]


def test_solutions_come_from_the_file_that_has_them(checkout):
    checkout.put("groundtruth.json", [{**raw(2), "answer": "2 and 1 make 3."}])
    found = checkout.questions(solutions=["train.json", "groundtruth.json"])
    assert [question.solution for question in found] == ["", "2 and 1 make 3.", ""]


def test_a_file_of_solutions_that_cannot_be_read_takes_no_question_away(checkout, caplog):
    checkout.put("groundtruth.json", [{"no": "question"}, {**raw(2), "answer": "2 and 1 make 3."}])
    found = checkout.questions(solutions=["groundtruth.json"])
    assert [question.solution for question in found] == ["", "2 and 1 make 3.", ""]
    assert (
        "groundtruth.json, line 2, field `question`: the record has no such field, it has no (no solution)"
        in caplog.text
    )


def test_a_file_of_test_questions_without_gold_answers_gives_none_and_says_why(checkout, caplog):
    checkout.put("test.json", [{"question": "9?", "number": ""}, {"question": "8?", "number": None}])
    assert "(no record of test.json has a gold answer)" in checkout.refused("test")
    assert "test.json: 2 records have no gold answer: left out" in caplog.text
