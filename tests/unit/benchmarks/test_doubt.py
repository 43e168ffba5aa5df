"""When the rule of own answers is to be doubted: responses judged wrong that end with the gold answer."""

import pytest

from sppl.benchmarks.rule_doubt import Judged, describe_examples, find_doubtful, names_gold
from sppl.schemas import Question


def judged(gold, text, right=False):
    return Judged(Question("q", "?", gold), text, right)


@pytest.mark.parametrize(
    ("gold", "text", "named"),
    [
        ("7", "So it is 7 pens.", True),
        ("7", "So it is 17 pens, or 70.", False),
        ("New  York", "It must be new york!", True),
        ("7", "7 at first. " + "Then more words. " * 30, False),  # only the end counts
        ("四", "答案：四。", True),
        ("", "anything", False),
    ],
)
def test_the_gold_answer_has_to_stand_at_the_end_as_whole_words(gold, text, named):
    assert names_gold(Question("q", "?", gold), text) is named


def test_three_of_thirty_are_a_reason_two_are_none_and_right_ones_never():
    fine = [judged("7", "It is 7.", right=True)] * 27
    wrong = [judged("7", "The result: 7 pens.")] * 3
    assert find_doubtful([*fine, *wrong]) == wrong
    assert find_doubtful([*fine, *wrong[:2]]) == []
    assert find_doubtful([*fine, *fine, *wrong]) == []  # 3 of 57 are chance
    assert describe_examples(wrong)[0] == "q: gold '7', response ending in 'The result: 7 pens.'"
