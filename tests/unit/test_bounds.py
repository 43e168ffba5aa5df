"""A number outside of what its annotation says is named, whether it was typed or stood in a file."""

from dataclasses import dataclass
from typing import Literal, Protocol

import pytest

from sppl.bounds import Count, Fraction, Natural, NotNegative, NumberOfQuestions, Positive, fits, misfits
from sppl.generation.local import LocalGenerator
from sppl.generation.server import ServerGenerator
from sppl.schemas import UserError
from sppl.scoring.scoring_settings import Scoring
from sppl.strategies.recipe import Recipe
from sppl.training.lora import Lora


@dataclass
class Example:
    """One field of each kind."""

    n: Count | None = None
    share: Fraction = 0.5
    pair: tuple[Fraction, Fraction] = (0.1, 0.2)
    word: Literal["a", "b"] = "a"
    free: float = -1.0


@pytest.mark.parametrize(
    ("hint", "inside", "outside"),
    [
        (Count, [1, 7], [0, -1, 1.0, True, "1", None]),
        (Natural, [0, 3], [-1, 0.5, False]),
        (Positive, [0.1, 2], [0, 0.0, -1, float("nan"), float("inf")]),
        (NotNegative, [0, 0.0, 2.5], [-1e-9, float("inf"), "0"]),
        (Fraction, [0, 0.999], [1, 1.0, -0.1]),
        (NumberOfQuestions, [1, "all"], [0, "some", None]),
    ],
)
def test_a_kind_of_number_has_its_ends_and_no_infinity(hint, inside, outside):
    assert all(fits(value, hint) for value in inside)
    assert not any(fits(value, hint) for value in outside)


def test_every_field_that_does_not_fit_is_named_with_what_it_may_be():
    assert misfits(Example()) == []
    assert misfits(Example(0, 1.0, (0.1, 2.0), "c")) == [
        "n=0 (a whole number above 0 or null)",
        "share=1.0 (a fraction, from 0 to below 1)",
        "pair=(0.1, 2.0) (a list, 'key=[a,b]' of 2, each a fraction, from 0 to below 1)",
        "word='c' (one of a, b)",
    ]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: Lora(rank=0), r"training\.lora cannot be used: rank=0 \(a whole number above 0\)"),
        (lambda: Scoring(max_tokens=0), r"scorer: max_tokens=0 \(a whole number above 0 or null\)"),
        (lambda: Recipe("gpt4", "", tries=0), r"strategy\.gpt4: tries=0"),
        (lambda: LocalGenerator(batch_size=0), r"generator: batch_size=0"),
        (
            lambda: ServerGenerator(base_url="http://host/v1", model="m", timeout=0),
            r"generator: timeout=0 \(a number above 0\)",
        ),
    ],
)
def test_components_refuse_what_a_file_says_too(made, said):
    with pytest.raises(UserError, match=said):
        made()


def test_what_is_annotated_by_its_methods_takes_components_and_no_plain_value():
    class Reader(Protocol):
        def read(self) -> str: ...

    Reader.__module__ = "sppl.somewhere"
    assert fits({"_target_": "sppl.generation.local.LocalGenerator"}, Reader)
    assert fits(object(), Reader)
    assert not any(fits(value, Reader) for value in ("local", 3, None, ["local"], {"kind": "local"}))
