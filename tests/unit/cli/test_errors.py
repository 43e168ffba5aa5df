"""What the system says of a file becomes a sentence with the way on; what is no accident keeps its traceback."""

import errno
import os

import pytest

from sppl.cli.errors import check_folder, explain_error, report_errors

ACCIDENTS = {
    "ENOSPC": "Make room, and run the same command again",
    "EDQUOT": "Make room, and run the same command again",
    "EROFS": "Change its rights, or give others, e.g. store=FOLDER",
    "ENOLCK": "store=FOLDER hydra.sweep.dir=FOLDER",
    "EOPNOTSUPP": "store=FOLDER hydra.sweep.dir=FOLDER",
    "EMFILE": "ulimit -n 1024",
    "ENOENT": "put it back if it was yours, and run the same command again",
    "ESTALE": "put it back if it was yours, and run the same command again",
    "ENAMETOOLONG": "Shorten names or folders",
    "ENOTDIR": "Move it out of the way",
    "EISDIR": "Move it out of the way",
    "ELOOP": "Move it out of the way",
    "EIO": "See to it, and run the same command again",
}


@pytest.mark.parametrize("name", ACCIDENTS)
def test_an_error_of_the_file_system_is_said_with_its_path_and_the_way_on(name):
    number = getattr(errno, name)
    said = explain_error(OSError(number, os.strerror(number), "/some/path"))
    assert os.strerror(number) in said
    assert "/some/path" in said
    assert ACCIDENTS[name] in said
    assert "\n" not in said


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), ConnectionRefusedError(errno.ECONNREFUSED, "x")])
def test_what_is_no_accident_is_called_a_crash_and_keeps_its_traceback(error, caplog):
    said: list[str] = []
    with report_errors(said.append):
        raise error
    assert said[0].startswith(f"crashed ({type(error).__name__}: ")
    assert "mistake of the program" in said[0]
    assert caplog.records[-1].exc_info


def test_a_folder_that_cannot_be_made_is_refused_whatever_the_system_says_of_it(tmp_path):
    (tmp_path / "file").write_text("")
    assert "Move it out of the way" in check_folder(tmp_path / "file" / "run")
    assert "Shorten names or folders" in check_folder(tmp_path / ("x" * 300))
    assert check_folder(tmp_path / "run") == ""
