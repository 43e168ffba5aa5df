import pytest

from sppl.schemas import UserError
from sppl.strategies.best import choose_best

VALUES = {"a": {"q": 1.0, "r": 2.0}, "b": {"q": 2.0, "r": 1.0}}
ALL_RIGHT = {"a": {"q": True, "r": True}, "b": {"q": True, "r": True}}


def test_each_question_takes_the_strategy_with_the_lowest_value():
    assert choose_best(VALUES, ALL_RIGHT, ["q", "r"], only_right=True) == {"q": "a", "r": "b"}


def test_a_wrong_response_is_taken_only_where_none_is_right_or_right_ones_are_not_asked_for():
    right = {"a": {"q": False, "r": False}, "b": {"q": True, "r": False}}
    assert choose_best(VALUES, right, ["q", "r"], only_right=True) == {"q": "b", "r": "b"}
    assert choose_best(VALUES, right, ["q", "r"], only_right=False) == {"q": "a", "r": "b"}


def test_equal_values_go_to_the_first_name_whatever_the_order():
    values = {"b": {"q": 1.0}, "a": {"q": 1.0}}
    assert choose_best(values, ALL_RIGHT, ["q"], only_right=True) == {"q": "a"}


def test_a_response_that_could_not_be_scored_is_passed_over_and_a_question_without_any_is_named():
    assert choose_best({"a": {}, "b": {"q": 9.0}}, ALL_RIGHT, ["q"], only_right=True) == {"q": "b"}
    with pytest.raises(UserError, match="no response to q could be scored"):
        choose_best({"a": {}, "b": {}}, ALL_RIGHT, ["q"], only_right=True)
