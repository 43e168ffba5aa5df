"""Whatever a model writes, a judge answers 0 or 1 and raises nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sppl.benchmarks.answers import choice, number, plans, request, span, words

PROMPT = """[STATEMENT]
As initial conditions I have that, the red block is clear, the hand is empty and the red block is on the table.
My goal is to have that the hand is currently holding red block.
My plan is as follows:
[PLAN]"""

JUDGES = {
    number.judge: "72",
    number.judge_hashes: "72",
    choice.judge_1_to_2: "2",
    choice.judge_1_to_4: "2",
    choice.judge_1_to_5: "2",
    choice.judge_a_to_d: "B",
    choice.judge_a_to_j: "B",
    choice.judge_own_labels: "B",
    words.judge_truth: "True",
    words.judge_entailment: "neutral",
    span.judge: "Denver Broncos",
    request.judge: "API-Request: [F(x='1')]",
    plans.judge: "(pick-up red)",
    plans.judge_optimal: "(pick-up red)",
    plans.judge_execution: "the hand is currently holding red block",
    plans.judge_verification: "The above plan is valid.",
}
"""Each judge but the sandbox's, with a gold answer."""

JUDGED = pytest.mark.parametrize(
    "judge", JUDGES, ids=lambda judge: f"{judge.__module__.rpartition('.')[2]}.{judge.__name__}"
)
MARKS = ["", "Final Answer: ", "the answer is ", "#### ", "\\boxed{", "[PLAN]", "API-Request: ["]


def accuracy(judge, text: str) -> float:
    return judge({"prompt": PROMPT, "answer": JUDGES[judge], "options": ["x", "y"]}, [text])["accuracy"]


@JUDGED
@given(st.sampled_from(MARKS), st.text())
def test_any_text_gets_a_verdict(judge, mark, text):
    assert accuracy(judge, mark + text) in (0.0, 1.0)


PIECES = [
    "Final Answer:",
    "answer is",
    "\\boxed{",
    "}",
    "{",
    "\\frac{1}{",
    "####",
    "-",
    "1",
    ",",
    "1,",
    ".",
    "/",
    "%",
    "(",
    ")",
    "[",
    "*",
    "**",
    "$",
    "\n",
    " ",
    "\t",
    "A",
    "A or ",
    "B,",
    "true",
    "not ",
    "no",
    "neutral/",
    "(pick-up red)",
    "the red block is clear,",
    "red",
    "valid",
    "in",
    "[PLAN]",
    "API-Request:",
    "x='",
    "\x00",
    "\x1b[0m",
    "\u202e",
    "\u0660",
    "½",
    "東",
    "a\u0301",
    "correct option ",
]


@JUDGED
@given(st.sampled_from(MARKS), st.lists(st.sampled_from(PIECES), max_size=30))
def test_any_mixture_of_what_the_rules_look_for_gets_a_verdict(judge, mark, pieces):
    assert accuracy(judge, mark + "".join(pieces)) in (0.0, 1.0)


@JUDGED
@pytest.mark.timeout(120)  # a rule that is quadratic in the text would need hours
def test_a_hundred_thousand_times_one_token_gets_a_verdict(judge):
    for piece in PIECES:
        for mark in ("", "Final Answer: "):
            assert accuracy(judge, mark + piece * 100_000) in (0.0, 1.0)


@JUDGED
@pytest.mark.parametrize(
    "text", ["", " \n\t", "\x00\x01\x02", "Final Answer:", "答えは七十二です", "الجواب", "🙂" * 50]
)
def test_a_text_without_an_answer_is_wrong(judge, text):
    assert accuracy(judge, text) == 0.0


@JUDGED
def test_the_gold_answer_itself_is_right(judge):
    mark = "#### " if judge is number.judge_hashes else "Final Answer: "
    assert accuracy(judge, mark + JUDGES[judge]) == 1.0


@JUDGED
def test_no_text_at_all_is_wrong(judge):
    assert judge({"prompt": PROMPT, "answer": JUDGES[judge]}, [])["accuracy"] == 0.0
