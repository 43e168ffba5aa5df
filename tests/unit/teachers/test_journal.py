"""What is in the journal is whole, whatever happened to the process or the disk."""

import resource
import signal

import pytest

from sppl.artifacts.journal import Journal
from sppl.schemas import UserError


def test_an_answer_for_which_there_is_no_room_leaves_the_others_as_they_were(tmp_path):
    journal = Journal(tmp_path / "x.jsonl")
    journal.add("one", text="a" * 50)
    before = journal.path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, limits[1]))
    try:
        with pytest.raises(OSError, match="no space left on device"):
            journal.add("two", text="b" * 50)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, old)
    assert journal.path.read_bytes() == before
    journal.add("two", text="b" * 50)
    assert list(journal.read()) == ["one", "two"]


@pytest.mark.parametrize("line", ["half an ans", '{"no": "key"}', "[]", "null", "\x00" * 8])
def test_a_line_that_something_else_wrote_is_named(line, tmp_path):
    journal = Journal(tmp_path / "x.jsonl")
    journal.add("one", text="a")
    with journal.path.open("a") as stream:
        stream.write(line + "\n")
    journal.add("two", text="b")
    with pytest.raises(UserError, match=r"x\.jsonl, line 2: this is no record of an answer.*Remove that line"):
        journal.read()
