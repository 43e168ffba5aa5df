"""The words that start this program."""

import sys

import pytest

from sppl.cli.command_line import command_line, in_own_words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("run.py", "python run.py"),
        ("/a folder/run.py", "python '/a folder/run.py'"),
        ("/usr/bin/sppl", "sppl"),
        ("/lib/sppl/__main__.py", "python -m sppl"),
    ],
)
def test_messages_name_the_command_as_it_was_typed(monkeypatch, name, words):
    monkeypatch.setattr(sys, "argv", [name, "stage=[score]", "seed=1"])
    assert command_line() == (words, "stage=[score]", "seed=1")
    assert in_own_words("make them: python run.py stage=predict") == f"make them: {words} stage=predict"
