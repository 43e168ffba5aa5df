"""Gold answers of a user's own questions: the rules of `sppl/data/gold.py`, each with right and wrong cases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sppl.benchmarks.answers.number import judge
from sppl.data.gold import BadGold, read_gold

NUMBERS = {
    "72": ["72", " 72 ", "72.", "**72**", "$72$", "so 24 + 48.\n#### 72", "####72", "72 clips", "72kg", "\\boxed{72}",
           "The answer is \\boxed{72}.", "Answer: 72", "x = 72 in all", "72 \\text{ cm}", "72 m^2", "about 72 (H2O)"],
    "-5": ["-5", "−5", "–5", "minus: -5 degrees"],
    "72000": ["72 000", "72\u00a0000", "72\u202f000", "72{,}000", "72 000 clips"],
    "72,000": ["72,000", "72,000 clips"],
    "3/4": ["3/4", "3/4 cup"],
    "7+1/2": ["7 1/2", "7 1/2 cups"],
    "\\frac{3}{4}": ["\\frac{3}{4}", "it is \\boxed{\\frac{3}{4}}"],
    "2\\sqrt{3}": ["2\\sqrt{3}"],
    "50%": ["50%", "50% of them"],
    "\\$5": ["\\$5"],
    "1500": ["1.5e3 items"],
    "0.5": ["0.5", "0.5 l"],
    "π": ["π"],
    "1/2": ["½", "½ cup"],
    "3+1/2": ["3½", "3 ½ cups"],
    "7^2": ["7²"],
    "12": ["12 m²", "12m"],
    "1.5 million": ["1.5 million", "$1.5 million in sales"],
    "3 dozen": ["3 dozen eggs"],
    "5k": ["5k"],
}  # fmt: skip
NO_NUMBERS = ["many", "seventy-two", "", "#### ", "3 or 4", "72 of 80 clips", "12:30", "3,14", "(3, 4)", "3 4", "?",
              "0x1F", "log 5", "> 5", "±5"]  # fmt: skip
CHOICES = {
    "B": ["B", "b", "(B)", "B.", "B)", "b:", "option B", "**B**", "six", " six ", "#### B"],
    "2": ["2", "(2)", "2."],
}
NO_CHOICES = ["E", "0", "5", "seven", "A or B", "", "AB"]
LINES = {"Paris": ["Paris", " Paris\n", "It is the capital.\n#### Paris"], "True": ["True"], "é": ["é"]}
NO_LINES = ["", "?!", "a\nb", "####"]


@pytest.mark.parametrize("wanted", NUMBERS)
def test_the_one_number_of_a_gold_answer_counts(wanted):
    assert [read_gold("number", written) for written in NUMBERS[wanted]] == [wanted] * len(NUMBERS[wanted])


@pytest.mark.parametrize("written", NO_NUMBERS)
def test_no_number_or_several_cannot_be_met(written):
    with pytest.raises(BadGold):
        read_gold("number", written)


@pytest.mark.parametrize("wanted", CHOICES)
def test_a_label_is_read_through_what_stands_around_it_or_by_the_options_text(wanted):
    options = ["five", "six", "8", "9"]
    assert [read_gold("choice", written, options) for written in CHOICES[wanted]] == [wanted] * len(CHOICES[wanted])


@pytest.mark.parametrize("written", NO_CHOICES)
def test_what_is_no_label_cannot_be_met(written):
    with pytest.raises(BadGold):
        read_gold("choice", written, ["five", "six", "8", "9"])


def test_a_place_counted_from_0_is_told_apart():
    with pytest.raises(BadGold, match="'0' is no label of 1234; digits count from 1"):
        read_gold("choice", "0", list("wxyz"))


def test_a_label_that_is_another_options_text_is_ambiguous():
    assert read_gold("choice", "2", ["1", "2", "3"]) == "2"
    with pytest.raises(BadGold, match="the label of one option and the text of another; write A"):
        read_gold("choice", "3", ["3", "6", "9"])
    with pytest.raises(BadGold, match="is the text of the options A, B; write a label"):
        read_gold("choice", "same", ["same", "same"])


@pytest.mark.parametrize("wanted", LINES)
def test_a_text_is_one_line(wanted):
    assert [read_gold("text", written) for written in LINES[wanted]] == [wanted] * len(LINES[wanted])


@pytest.mark.parametrize("written", NO_LINES)
def test_no_line_or_several_cannot_be_met(written):
    with pytest.raises(BadGold):
        read_gold("text", written)


@given(st.text(max_size=60), st.sampled_from(["number", "choice", "text"]), st.lists(st.text(), max_size=4))
def test_whatever_a_gold_answer_holds_it_is_read_or_refused_and_reading_it_again_changes_nothing(text, kind, options):
    try:
        found = read_gold(kind, text, options)
    except BadGold:
        return
    assert read_gold(kind, found, options if kind != "choice" else ()) == found


@given(
    st.integers(-(10**9), 10**9), st.sampled_from(["{}", "{} clips", "so.\n#### {}", "\\boxed{{{}}}", "{}.", "**{}**"])
)
def test_a_number_read_from_its_frame_is_met_by_itself(number, frame):
    found = read_gold("number", frame.format(number))
    assert judge({"answer": found}, [f"Final Answer: {number}"])["accuracy"] == 1.0
