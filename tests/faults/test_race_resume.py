"""A race that is killed with SIGKILL goes on where it was, to the same decisions and the same bytes."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sppl.store import Store
from tests.conftest import QUICK, ROOT

KILLS = 10
COMMAND = [
    *(sys.executable, "run.py", "stage=[predict,score,rank]", "strategy=[gpt4,claude,rewrite,code]", *QUICK),
    *("n_score=24", "scorer.budget=race", "scorer.first=4", "scorer.then=2", "scorer.z=1000", "scorer.max_tokens=600"),
]


def process(folder: Path) -> subprocess.Popen[bytes]:
    place = [f"store={folder / 'store'}", f"hydra.run.dir={folder / 'run'}"]
    return subprocess.Popen([*COMMAND, *place], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def digests(folder: Path) -> dict[str, str]:
    store = Store(str(folder / "store"))
    tables = [
        path for kind in ("token_stats", "races", "rankings") for path in Path(store.root, kind).rglob("*.parquet")
    ]
    names = sorted({str(path.parent.relative_to(store.root)) for path in tables})
    return {name: store.digest(store.open(name)) for name in names}


@pytest.mark.faults
@pytest.mark.timeout(1200)
def test_a_race_killed_at_ten_random_moments_ends_as_if_undisturbed(tmp_path):
    begun = time.monotonic()
    assert process(tmp_path / "whole").wait() == 0
    whole, draw, died = time.monotonic() - begun, random.Random(0), 0
    for _ in range(KILLS):
        victim = process(tmp_path / "killed")
        try:
            victim.wait(draw.uniform(0.3, 1.0) * whole)
        except subprocess.TimeoutExpired:
            victim.kill()
            died += victim.wait() == -9
    assert process(tmp_path / "killed").wait() == 0
    assert died >= KILLS // 2
    expected = digests(tmp_path / "whole")
    assert any(name.startswith("races/") for name in expected)
    assert digests(tmp_path / "killed") == expected
