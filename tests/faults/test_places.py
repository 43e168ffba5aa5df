"""Wherever and however a command is typed, it ends with the same table, or in a sentence that says what to change."""

import errno
import fcntl
import shutil

import pytest

from tests.conftest import QUICK
from tests.faults.places import HOME, LONG, PLACES, Place, tried

pytestmark = pytest.mark.filterwarnings("default")
WORST = Place(
    shell='umask 077; ulimit -n 64; "$@" <&- | true',
    environment={
        **HOME, "LANG": "C", "LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii", "TZ": "Asia/Kathmandu", "COLUMNS": "1",
        "TMPDIR": "/nowhere", "PYTHONHASHSEED": "4242", "TERM": None,
    },
    python=("-O",),
    folder=f"it's \"ü\", a=b[1] $x\n中/{LONG[:808]}",
)  # fmt: skip


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> bytes:
    """That of the command where nothing is odd."""
    return tried(tmp_path_factory.mktemp("whole"), PLACES["undisturbed"]).table


def assert_held(folder, place: Place, table: bytes) -> None:
    end = tried(folder, place)
    assert "Traceback" not in end.said, end.said
    if place.status:
        assert end.status == place.status, end.said
        assert place.says in end.said
        assert len(end.said.strip().splitlines()[-1]) < 700  # one sentence, not a page
    else:
        assert end.table == table, end.said
        assert end.status in (0, 141), end.said  # 141: its reader went away


@pytest.mark.timeout(600)
def test_all_that_is_odd_at_once_changes_nothing_in_the_table(tmp_path, table):
    assert_held(tmp_path, WORST, table)


@pytest.mark.parametrize("name", ["ENOLCK", "EOPNOTSUPP"])
def test_a_file_system_without_locks_is_named_with_what_to_take_instead(name, run_py, tmp_path, monkeypatch):
    def flock(_: int, operation: int) -> None:
        if not operation & fcntl.LOCK_UN:
            raise OSError(getattr(errno, name), "no locks here")

    monkeypatch.setattr(fcntl, "flock", flock)
    done = run_py(*QUICK, "stage=[generate]", "strategy=gpt4", store=tmp_path / "store")
    assert done.code == 1
    assert "this file system has no locks" in done.out
    assert "store=FOLDER" in done.out
    assert "Traceback" not in done.out


@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", PLACES)
def test_in_an_odd_place_the_table_is_the_same_or_a_sentence_says_what_to_change(name, tmp_path, table):
    if "no_locks" in PLACES[name].shell and not shutil.which("gcc"):
        pytest.skip("a file system without locks is built with gcc")
    assert_held(tmp_path, PLACES[name], table)
