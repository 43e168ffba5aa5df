"""One rule for what a value of a file says as text."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sppl.data.values import NotText, text_of, texts_of

TEXTS = {
    "42": [42, 42.0, "42", Decimal(42), Decimal("42.00")],
    "42.0": ["42.0"],
    "-3": [-3, -3.0],
    "2.5": [2.5, Decimal("2.5")],
    "0.00000015": [1.5e-7],
    "9007199254740992": [2**53, 2.0**53],
    "": [None, "", math.nan, Decimal("nan")],
    "true": ["true"],
    "nan": ["nan"],
    "中文 ½": ["中文 ½"],
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_number_is_read_as_its_text_and_an_empty_cell_as_none(text):
    assert [text_of(value) for value in TEXTS[text]] == [text] * len(TEXTS[text])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (True, "the boolean true"),
        (False, "the boolean false"),
        (["a"], "a list"),
        ([], "a list"),
        ({"a": 1}, "a dict"),
        (b"a", "a bytes"),
        (math.inf, "the number inf"),
        (Decimal("-inf"), "the number -Infinity"),
        ("\ud83d", "a lone surrogate"),
    ],
)
def test_what_is_no_text_is_refused_by_name(value, said):
    with pytest.raises(NotText, match=said):
        text_of(value)


@given(st.integers(-(2**53), 2**53))
def test_a_whole_number_reads_the_same_from_a_column_with_gaps(number):
    assert text_of(float(number)) == text_of(number) == str(number)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_without_an_exponent_and_stays_the_same_number(number):
    written = text_of(number)
    assert "e" not in written.lower()
    assert float(written) == number


def test_a_list_is_a_list_of_texts_and_its_first_bad_entry_is_named():
    assert texts_of(["a", 2, 2.0]) == ["a", "2", "2"]
    for value, said in (
        ("abc", "this is a str"),
        ([True], "entry 1: text is wanted"),
        (["a", " "], "entry 2 is empty"),
    ):
        with pytest.raises(NotText, match=f"a list of strings is wanted.*{said}"):
            texts_of(value)
