"""Promise 7: no network is needed for anything that does not name a hub id or an API."""

import os
import subprocess
import sys

import pandas as pd
import pytest

from tests.conftest import QUICK, ROOT

ALONE = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
TALK = "import socket; socket.create_connection(('127.0.0.1', 9), timeout=2)"


@pytest.mark.skipif(
    subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode != 0,
    reason="taking the network away takes rights that this process lacks (unshare --net)",
)
def test_the_whole_loop_needs_no_network_and_no_cache_of_the_hub(tmp_path):
    assert (
        b"unreachable" in subprocess.run([*ALONE, sys.executable, "-c", TALK], capture_output=True, check=False).stderr
    )
    places = [f"store={tmp_path}/store", f"reports={tmp_path}", f"hydra.run.dir={tmp_path}/run"]
    command = [sys.executable, "run.py", *QUICK, "strategy=[gpt4,claude]", "name=alone", "logger=[csv,wandb]", *places]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "WANDB_"))}
    environment["HF_HOME"] = str(tmp_path / "hub")
    done = subprocess.run([*ALONE, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "alone" / "table.csv")
    assert set(table["strategy"]) == {"gpt4", "claude", "untrained"}
    assert table["accuracy"].notna().all()
