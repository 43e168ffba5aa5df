"""An artifact cut short, of any kind: never read; the user is told how to go on, and that leads to the same table."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import QUICK

pytestmark = pytest.mark.filterwarnings("default")
COMMAND = [*QUICK, "strategy=[gpt4,rewrite]", "metric=[sppl,length]", "name=broken"]
MADE_FROM = {
    "responses": ["token_stats", "scores", "rankings", "adapters", "results"],
    "predictions": ["token_stats", "scores", "rankings"],
    "token_stats": ["scores", "rankings"],
    "scores": ["rankings"],
    "rankings": [],
    "adapters": ["results"],
    "results": [],
}
"""The kinds of artifacts, and those that have to be made again for an artifact to be read."""
WHAT = {"data": "*-????????.parquet", "provenance": "*-????????.json"}
CASES = [(kind, WHAT[what]) for kind in MADE_FROM for what in WHAT if (kind, what) != ("adapters", "data")]
CASES += [("adapters", "*.safetensors"), ("adapters", "*-????????/config.json")]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    "cases",
    [[("results", WHAT["data"])], pytest.param(CASES, marks=[pytest.mark.faults, pytest.mark.timeout(1800)])],
    ids=["one", "all"],
)
def test_an_artifact_cut_short_is_named_with_the_way_to_go_on_which_leads_to_the_same_table(run_py, tmp_path, cases):
    store = tmp_path / "store"
    whole = run_py(*COMMAND, store=store)
    assert whole.code == 0, whole.out
    table = whole.reports / "broken" / "table.csv"
    expected = table.read_bytes()
    for kind, pattern in cases:
        for later in MADE_FROM[kind]:
            shutil.rmtree(store / later)
        path = sorted((store / kind).rglob(pattern))[0]
        cut(path)
        hit = run_py(*COMMAND, store=store)
        assert hit.code == 1, (path, hit.out)
        assert "Traceback" not in hit.out
        said = " ".join(hit.out.split())
        found = re.search(r"(\S+) is broken: (.*?)\. Remove it \((rm -r .*?)\) and run the same command again", said)
        assert found, hit.out
        assert path.name.split(".")[0] in found[1] or path.parent.name in found[1]
        sys.stdout.write(f"{path.relative_to(store)}: {found[2]}\n")
        subprocess.run(shlex.split(found[3]), check=True)
        again = run_py(*COMMAND, store=store)
        assert again.code == 0, again.out
        assert table.read_bytes() == expected
