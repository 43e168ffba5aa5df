"""A race that is killed with SIGKILL goes on where it was, to the same decisions and the same bytes."""

import os
import random
import time
from pathlib import Path

import pandas as pd
import pytest

from sppl.artifacts.store import Store
from tests.conftest import QUICK

KILLS = 10
COMMAND = [
    *("stage=[predict,score,rank]", "strategy=[gpt4,claude,rewrite,code]", *QUICK, "n_score=24"),
    *("scorer.budget=race", "scorer.first=4", "scorer.then=2", "scorer.error=0", "scorer.max_tokens=600"),
]


def pieces(folder: Path) -> int:
    """How many tables and finished passes there are; folders may vanish meanwhile."""
    names = [name for _, _, files in os.walk(folder / "store") for name in files]
    return sum(name.endswith((".parquet", ".npz")) and not name.startswith(".") for name in names)


def tables(folder: Path, kind: str) -> pd.DataFrame:
    """All artifacts of a kind as one table, in one order; the digests of what they were made from left out."""
    store, found = Store(str(folder / "store")), {}
    for path in sorted(Path(store.root).glob(f"{kind}*/**/*.parquet")):
        name = path.relative_to(store.root).as_posix().removesuffix(".parquet")
        found[name if kind == "token_stats" else kind] = store.read(store.open(name))
    return pd.concat(found, names=["artifact"]).reset_index("artifact")


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_races_killed_at_ten_random_moments_end_as_if_undisturbed(start, tmp_path):
    def ended(folder: Path) -> None:
        process = start(*COMMAND, store=folder / "store", folder=folder)
        out, _ = process.communicate()
        assert process.returncode == 0, out

    ended(tmp_path / "whole")
    whole, draw, died = tmp_path / "whole", random.Random(0), 0
    for number in range(KILLS):
        folder, enough = tmp_path / str(number), draw.randint(1, pieces(whole) - 2)
        victim = start(*COMMAND, store=folder / "store", folder=folder)
        while victim.poll() is None and pieces(folder) < enough:
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.05))
        victim.kill()
        victim.communicate()
        died += victim.returncode == -9
        ended(folder)
        for kind in ("token_stats", "races", "rankings"):
            pd.testing.assert_frame_equal(tables(folder, kind), tables(whole, kind), check_exact=True)
    assert died == KILLS
