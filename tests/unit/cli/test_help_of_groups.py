"""`--help` followed by a group or a setting."""

import pytest

from sppl.cli.helptext import help_text
from sppl.cli.known import groups, options


@pytest.mark.parametrize("group", groups())
def test_every_group_lists_its_options(group):
    text = help_text(["--help", group])
    assert all(name in text for name in options(group))


@pytest.mark.parametrize(
    ("asked", "owner"), [("strategy.only", "strategy=[files]"), ("benchmark.answer", "benchmark=local")]
)
def test_a_dotted_setting_is_found_as_it_is_typed(asked, owner):
    assert help_text(["--help", asked]) == f"{asked}  with {owner}\n"
