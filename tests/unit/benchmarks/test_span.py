"""A few words: exact match and F1."""

import pytest

from sppl.benchmarks.answers.span import f1, judge, tokens


def verdict(text: str, gold: str, *others: str) -> dict:
    return judge({"answer": gold, "answers": list(others)}, [text])


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("Calvin Johnson", "calvin johnson"),
        ("The Denver Broncos.", "Denver Broncos"),
        ('"Denver Broncos"', "Denver Broncos"),
        ("28 yard", "28-yard"),
        ("1,000", "1000"),
        ("3.0", "3"),
        ("$1.50", "1.5"),
        ("naïve", "naïve"),
        ("東京", "東京"),
    ],
)
def test_case_articles_punctuation_and_spelling_of_numbers_do_not_matter(answer, gold):
    assert verdict(f"He scored 3 times.\nFinal Answer: {answer}", gold) == {"accuracy": 1.0, "f1": 1.0}


@pytest.mark.parametrize("text", ["", "Final Answer:", "Final Answer: ...", "\x00"])
def test_an_answer_without_words_is_wrong(text):
    assert verdict(text, "the") == {"accuracy": 0.0, "f1": 0.0}


def test_any_gold_answer_counts_and_f1_is_that_of_the_nearest():
    assert verdict("Final Answer: Carolina Panthers", "Denver Broncos", "Carolina Panthers")["accuracy"] == 1.0
    assert verdict("Final Answer: Denver", "Carolina Panthers", "Denver Broncos") == {
        "accuracy": 0.0,
        "f1": pytest.approx(2 / 3),
    }


def test_f1_is_the_harmonic_mean_of_precision_and_recall_which_the_authors_lack():
    assert f1(["a1", "b1", "c1", "d1"], ["a1", "b1"]) == pytest.approx(2 * 0.5 * 1.0 / 1.5)
    assert f1(["a1"], ["b1"]) == 0.0
    assert f1(["a1", "a1"], ["a1"]) == pytest.approx(2 / 3)


def test_different_numbers_differ():
    assert tokens("3.5") != tokens("35")
    assert tokens("1,00") != tokens("100")
