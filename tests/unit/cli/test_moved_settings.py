"""Settings that were once typed otherwise are refused with the way they are typed now."""

import pytest

from sppl.cli.spellings import check_spellings


@pytest.mark.parametrize(
    ("given", "now"),
    [
        ("scorer.z=2.0", "scorer.error=, the chance that a race drops its best strategy"),
        ("+scorer.z=2.0", "scorer.error="),
        ("trainer.lightning.precision=bf16-mixed", "training.precision="),
    ],
)
def test_an_old_spelling_is_refused_and_told_the_new_one(given, now):
    said = check_spellings(["stage=[score,rank]", given])
    assert said.startswith(f"{given}: this setting is now {now}")
    assert ("trainer is the hardware" in said) == ("trainer" in given)


def test_what_is_typed_as_it_is_now_passes():
    assert check_spellings(["scorer.error=0.05", "training.precision=bf16-mixed", "trainer=gpu"]) == ""
