"""Sweeps through a real Slurm: the same table as without, and what a user finds after accidents."""

import pandas as pd
import pytest

from tests.conftest import QUICK

pytestmark = pytest.mark.filterwarnings("default")


def test_a_sweep_through_slurm_gives_the_table_of_the_basic_launcher(run_py, slurm, tmp_path):
    command = ["-m", "strategy=gpt4,claude,rewrite", *QUICK, "logger=[]"]
    through = run_py(*command, *slurm, "name=slurm", store=tmp_path / "store")
    basic = run_py(*command, "name=basic")
    assert (through.code, basic.code) == (0, 0), through.out + basic.out
    tables = [pd.read_csv(basic.reports / name / "table.csv") for name in ("basic", "slurm")]
    pd.testing.assert_frame_equal(tables[0], tables[1])
