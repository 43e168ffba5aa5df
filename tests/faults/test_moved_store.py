"""A store is its files: moved, copied, linked to or on a disk that cannot be written to, everything in it is found."""

import shutil
import subprocess

import pytest

from tests.faults.lack_and_go_on import mounted
from tests.faults.places import COMMAND
from tests.faults.test_lacking_machine import MOUNTS

pytestmark = pytest.mark.filterwarnings("default")


def found_all(done, table: bytes) -> None:
    assert done.code == 0, done.out
    assert "to make" not in done.out.replace("nothing to make", ""), done.out
    assert (done.reports / "default" / "table.csv").read_bytes() == table


def test_a_store_that_is_moved_copied_or_linked_to_makes_nothing_anew_and_gives_the_same_table(run_py, tmp_path):
    first, moved, copied, link = (tmp_path / name for name in ("first", "far/away", "copied", "link"))
    done = run_py(*COMMAND, store=first)
    table = (done.reports / "default" / "table.csv").read_bytes()
    moved.parent.mkdir()
    first.rename(moved)
    found_all(run_py(*COMMAND, store=moved), table)
    shutil.copytree(moved, copied, copy_function=shutil.copyfile)  # with other times and rights
    found_all(run_py(*COMMAND, store=copied), table)
    link.symlink_to(copied)
    found_all(run_py(*COMMAND, store=link), table)
    shutil.rmtree(copied)
    gone = run_py(*COMMAND, store=link)
    assert gone.code == 1
    assert "Traceback" not in gone.out
    assert str(link) in gone.out


@MOUNTS
def test_a_store_that_cannot_be_written_to_is_read_and_what_is_missing_is_told(run_py, tmp_path):
    store = tmp_path / "store"
    done = run_py(*COMMAND, store=store)
    table = (done.reports / "default" / "table.csv").read_bytes()
    copied = tmp_path / "copied"
    with mounted(copied, "size=50m"):
        shutil.copytree(store, copied, dirs_exist_ok=True)
        subprocess.run(["mount", "-o", "remount,ro", str(copied)], check=True)
        found_all(run_py(*COMMAND, store=copied), table)
        others = [word for word in COMMAND if not word.startswith("metric=")]
        more = run_py(*others, "metric=[length,perplexity]", store=copied)
    assert more.code == 1
    assert "this place cannot be written to or read" in more.out
    assert "store=FOLDER" in more.out
    assert "Traceback" not in more.out
