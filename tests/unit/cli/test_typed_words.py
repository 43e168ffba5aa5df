"""Words that are typed twice, or almost as they should be, are said."""

import pytest

from sppl.cli.composing import check_words, describe_repeated_settings


def test_a_setting_with_two_values_is_said_with_the_one_that_counts():
    said = describe_repeated_settings(["n_score=6", "seed=1", "n_score=0"])
    assert said == "n_score is typed 2 times, as 6, 0; the last counts: n_score=0\n"


def test_the_value_that_comes_last_counts_even_where_it_was_typed_before():
    assert "the last counts: n_score=6" in describe_repeated_settings(["n_score=6", "n_score=0", "n_score=6"])


def test_the_same_word_twice_says_nothing_else():
    assert describe_repeated_settings(["n_score=6", "n_score=6", "-m", "seed=0,1"]) == ""


@pytest.mark.parametrize("word", ["chekc", "chek", "Check", "checks"])
def test_a_first_word_that_is_nearly_check_names_it_with_the_command(word):
    assert check_words([word, "data_dir=F"]) == f"{word}: did you mean `check`? python run.py check data_dir=F"


def test_other_words_without_a_value_are_not_taken_for_it():
    assert check_words(["seed"]) == ""
