r"""Numbers: the last boxed or the last number of the answer's line."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sppl.benchmarks.answers.arithmetic import value
from sppl.benchmarks.answers.number import judge, judge_hashes, number, same


def right(text: str, gold: str) -> bool:
    return judge({"answer": gold}, [text]) == {"accuracy": 1.0}


@pytest.mark.parametrize(
    ("text", "gold"),
    [
        ("Final Answer: 72", "72"),
        ("Final Answer: 72", "72.0"),
        ("FINAL ANSWER: **72**", "72.0"),
        ("**Final Answer:** $1,234.50 in total", "1234.5"),
        ("Final Answer:\n\n\\[\n\\boxed{72}\n\\]", "72"),
        ("Final Answer: 48 + 24 = 72 clips", "72"),
        ("Final Answer: \\(\\frac{3}{4}\\)", "0.75"),
        ("Final Answer: 3/4", "\\frac{3}{4}"),
        ("Final Answer: \\frac12", "1/2"),
        ("Final Answer: 3\\frac{1}{2}", "3.5"),
        ("Final Answer: 3 1/2 cups", "3.5"),
        ("Final Answer: 3½", "3.5"),
        ("Final Answer: 2\\sqrt{3}", "\\sqrt{12}"),
        ("Final Answer: \\boxed{\\frac{3\\pi}{2}}", "1.5\\pi"),
        ("Final Answer: 90^\\circ", "90"),
        ("Final Answer: -5", "-5"),
        ("Final Answer: −5 (below zero)", "-5.0"),
        ("Final Answer: ７２", "72"),
        ("Final Answer: ٧٢", "72"),
        ("So she has 72 clips.", "72"),
        ("16 - 3 - 4 = <<16-3-4=9>>9 eggs.\n#### 9", "9"),
    ],
)
def test_a_number_is_read_in_the_usual_spellings(text, gold):
    assert right(text, gold)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Final Answer:",
        "Final Answer: seventy-two",
        "No idea.",
        "Final Answer: ???",
        "\x00\x07\x1b",
        "Final Answer: \\boxed{}",
    ],
)
def test_an_answer_without_a_number_is_wrong(text):
    assert number(text) is None
    assert not right(text, "72")


def test_of_several_final_answers_the_last_counts():
    assert right("Final Answer: 5\nWait.\nFinal Answer: 6", "6")
    assert not right("Final Answer: 6\nWait.\nFinal Answer: 5", "6")


def test_what_follows_on_later_lines_does_not_count():
    assert right("Final Answer: 72\n\nQuestion: Bob has 5 plums.", "72")


def test_a_number_before_the_final_answer_does_not_stand_in_for_it():
    assert not right("She has 72 clips.\nFinal Answer: many", "72")


def test_without_a_mark_the_last_boxed_number_beats_the_last_number():
    assert right("So \\boxed{72}.\nThat took 2 steps.", "72")


def test_braces_inside_a_box_are_counted_unlike_the_authors_first_closing_brace():
    assert right("\\boxed{\\frac{1}{\\sqrt{4}}}", "0.5")


def test_a_percentage_is_right_in_either_reading_unlike_the_authors_hundredth_only():
    assert right("Final Answer: 50%", "50.0")
    assert right("Final Answer: 50\\%", "0.5")
    assert not right("Final Answer: 50%", "5")


def test_small_numbers_differ_unlike_the_authors_rounding_to_two_decimals():
    assert not right("Final Answer: 0.004", "0.001")
    assert not right("Final Answer: 10.004", "10.001")


def test_a_decimal_of_two_places_or_more_stands_for_what_rounds_to_it():
    assert right("Final Answer: 3.33", "10/3")
    assert right("Final Answer: 10/3", "3.33")
    assert not right("Final Answer: 3.34", "10/3")
    assert not right("Final Answer: 3.3", "10/3")
    assert not right("Final Answer: 0.00", "0.001")


def test_a_comma_is_read_between_thousands_only():
    assert right("Final Answer: 1,234,567", "1234567")
    assert not right("Final Answer: 7,5", "7.5")
    assert not right("Final Answer: 7,5", "75")


def test_a_text_is_never_run_as_code_unlike_the_authors_eval():
    assert value("__import__('os').getpid()") is None
    assert value("9^9^9^9") is None
    assert value("(" * 150 + "1" + ")" * 150) is None
    assert value("1/0") is None
    assert value("(-8)^(1/2)") is None


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_plain_numbers_and_fractions_keep_their_exact_value(above, below):
    assert value(f"{above:,}") == above
    assert value(f"{above}/{below}") == Fraction(above, below)
    assert value(f"\\frac{{{above}}}{{{below}}}") == Fraction(above, below)
    assert same(f"{above}", f"{above}.0")


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
def test_two_whole_numbers_are_the_same_only_if_equal(one, other):
    assert same(str(one), str(other)) == (one == other)


@pytest.mark.parametrize(
    "written", ["2/3", "\\frac{7}{8}", "\\sqrt{2}/2", "3\\pi", "2^{10}", "\\frac{\\sqrt{3}}{3}", "-\\frac{1}{2}"]
)
def test_expressions_have_the_value_math_verify_finds(written):
    math_verify = pytest.importorskip("math_verify", reason="pip install math-verify for this second opinion")
    found = math_verify.parse(f"${written}$")
    assert float(value(written)) == pytest.approx(float(found[0].evalf()))


@pytest.mark.parametrize("text", ["2 + 3 = 5.\n#### 5", "#### 7\n#### 5", "####5", "#### 5 plums", "#### ５"])
def test_the_lab_reads_the_number_after_the_last_four_hashes(text):
    assert judge_hashes({"answer": "5"}, [text]) == {"accuracy": 1.0}


@pytest.mark.parametrize(
    "text", ["", "5", "## 5", "#### ", "#### five", "#### 5.5", "#### 5/6", "#### 5\n####", "####\n5", "#### 51"]
)
def test_the_lab_takes_no_other_number_for_it(text):
    assert judge_hashes({"answer": "5"}, [text]) == {"accuracy": 0.0}
