"""Options: a label or the option's own text."""

import pytest

from sppl.benchmarks.answers.choice import choice, judge_1_to_5, judge_a_to_d, judge_own_labels

OPTIONS = ["dry palms", "wet palms", "palms covered with oil", "palms covered with lotion"]


@pytest.mark.parametrize(
    "answer",
    [
        "B",
        "b",
        "(B)",
        "B.",
        "B)",
        "**B**",
        "B: wet palms",
        "B - wet palms",
        "(B) wet palms",
        "B, because water carries heat away",
        "Option B",
        "The correct option is (B).",
        "the answer is B",
        "\\boxed{B}",
        "$\\boxed{\\text{B}}$",
        "I would say (B)",
        "wet palms",
        '"Wet palms."',
    ],
)
def test_a_choice_is_read_in_the_usual_spellings(answer):
    assert choice(f"Water. A dry palm rubs.\n\nFinal Answer: {answer}", "ABCD", OPTIONS) == "B"


@pytest.mark.parametrize(
    "answer",
    ["", "A or B", "A/B/C/D", "A, B", "(A) and (B)", "B and C, not A", "E", "None of them", "palms", "dry", "Ð", "АВ"],
)
def test_no_label_or_several_is_wrong(answer):
    assert choice(f"Final Answer: {answer}", "ABCD", OPTIONS) is None


def test_a_bare_label_needs_no_mark():
    assert choice("C", "ABCD") == "C"


def test_without_a_mark_the_last_line_is_read():
    assert choice("A and B are out.\nTherefore option C is correct.", "ABCD") == "C"


def test_the_last_answer_counts_unlike_the_authors_first_match():
    assert choice("The answer: A? No.\nFinal Answer: D", "ABCD") == "D"


def test_an_article_is_no_label_unlike_the_authors_first_letter_after_answer():
    assert choice("Final Answer: A person rubs palms", "ABCD") is None
    assert choice("The answer depends. A good guess.", "ABCD") is None


def test_an_empty_answer_is_wrong_where_the_authors_checker_crashes():
    assert judge_a_to_d({"answer": "A"}, ["Final Answer: "]) == {"accuracy": 0.0}
    assert judge_a_to_d({"answer": "A"}, []) == {"accuracy": 0.0}


def test_each_options_text_stands_for_its_own_label_unlike_the_authors_table_of_five():
    options = ["bloody mess", "pleasure", "being imprisoned", "feeling of guilt", "cake"]
    for label, text in enumerate(options, start=1):
        row = {"answer": str(label), "options": options}
        assert judge_1_to_5(row, [f"Final Answer: {text.title()}."]) == {"accuracy": 1.0}


def test_the_text_of_two_equal_options_names_neither():
    assert choice("Final Answer: cake", "1234", ["cake", "tea", "cake", "milk"]) is None


def test_an_options_text_beats_a_label_inside_it():
    assert choice("Final Answer: 2 apples", "1234", ["1 apple", "3 apples", "2 apples", "4 apples"]) == "3"
    assert choice("Final Answer: A dog", "ABCD", ["a cat", "a dog", "a cow", "a hen"]) == "B"


def test_a_number_that_only_begins_with_a_label_is_none():
    assert choice("Final Answer: 12", "12345") is None
    assert choice("Final Answer: 2.5", "12345") is None


def test_local_tasks_take_the_labels_of_their_gold_answers():
    assert judge_own_labels({"answer": "7"}, ["Final Answer: 7"]) == {"accuracy": 1.0}
    assert judge_own_labels({"answer": "c", "options": ["x", "y", "z"]}, ["Final Answer: z"]) == {"accuracy": 1.0}
    assert judge_own_labels({"answer": "C", "options": ["x", "y", "z"]}, ["Final Answer: D"]) == {"accuracy": 0.0}
