"""Where nothing can be done is said at once, and a process without standard output still has somewhere to write."""

import sys

from sppl.cli.surroundings import check_surroundings, open_missing_streams


def test_a_folder_that_is_gone_or_reads_as_a_reference_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert check_surroundings([]) == ""
    odd, gone = tmp_path / "${x}", tmp_path / "gone"
    odd.mkdir()
    gone.mkdir()
    monkeypatch.chdir(odd)
    assert check_surroundings([]).startswith(str(odd))
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert "cd FOLDER" in check_surroundings([])


def test_bytes_that_are_no_text_are_refused_and_shown_as_escapes():
    said = check_surroundings(["name=x", "data_dir=\udcff"])
    assert said.isascii()
    assert said.startswith(r"'data_dir=\udcff' is no UTF-8")


def test_a_closed_standard_output_takes_everything_and_shows_nothing(monkeypatch):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    open_missing_streams()
    with sys.stdout as out, sys.stderr as err:
        assert out.write("ü") == 1
        assert not err.isatty()
