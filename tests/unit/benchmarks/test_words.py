"""True or false, and three-way labels."""

import pytest

from sppl.benchmarks.answers.words import entailment, judge_entailment, judge_truth, truth


@pytest.mark.parametrize(
    "answer",
    ["True", "true.", "**TRUE**", "Yes", "Yes, they do.", "True, not false", "True (see line 2)", "\\boxed{True}"],
)
def test_true_is_read_in_the_usual_spellings(answer):
    assert truth(f"It is not false.\nFinal Answer: {answer}") == "true"


@pytest.mark.parametrize(
    "answer",
    ["", "True/False", "True or False", "(true) / (false)", "not true", "unknown", "maybe", "1", "правда", "Nothing"],
)
def test_what_is_neither_true_nor_false_is_wrong(answer):
    assert truth(f"Final Answer: {answer}") is None


@pytest.mark.parametrize("answer", ["True; we know it", "True, notably", "Yes, cannot doubt it", "True, another one"])
def test_no_inside_another_word_is_no_unlike_the_authors_substrings(answer):
    assert truth(f"Final Answer: {answer}") == "true"


def test_a_boolean_gold_answer_is_read_as_a_word():
    assert judge_truth({"answer": True}, ["Final Answer: yes"]) == {"accuracy": 1.0}
    assert judge_truth({"answer": "False"}, ["Final Answer: yes"]) == {"accuracy": 0.0}


def test_without_a_mark_the_last_line_decides():
    assert truth("No wait.\nTherefore the statement is true.") == "true"


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("Neutral", "neutral"),
        ("Entailed.", "entailment"),
        ("contradiction, not entailment", "contradiction"),
        ("It contradicts it", "contradiction"),
    ],
)
def test_a_label_is_read_in_the_usual_spellings(answer, label):
    assert entailment(f"Final Answer: {answer}") == label


def test_reasoning_never_votes_unlike_the_authors_most_frequent_stem():
    text = "Final Answer: neutral\nEntailment is out; entailment needs more; contradiction is out."
    assert judge_entailment({"answer": "neutral"}, [text]) == {"accuracy": 1.0}


@pytest.mark.parametrize(
    "answer", ["", "entailment/contradiction/neutral", "neutral or entailment", "not neutral", "unclear"]
)
def test_no_label_or_the_list_of_labels_is_wrong(answer):
    assert entailment(f"Final Answer: {answer}") is None
