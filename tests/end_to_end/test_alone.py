"""A loop cut off from the world with keys in its environment: it needs no network, and no key is written down."""

import os
import subprocess
import sys

import pandas as pd
import pytest

from tests.conftest import QUICK, ROOT

ALONE = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
TALK = "import socket; socket.create_connection(('127.0.0.1', 9), timeout=2)"
KEYS = {
    "OPENAI_API_KEY": "sk-" + "plantedopenai" * 3,
    "ANTHROPIC_API_KEY": "sk-ant-" + "plantedclaude" * 3,
    "HF_TOKEN": "hf_" + "plantedhub" * 3,
    "WANDB_API_KEY": "5ec2e7" * 7,
}


def cut_off() -> bool:
    """Whether this process may take the network away from others."""
    found = subprocess.run([*ALONE, sys.executable, "-c", TALK], capture_output=True, text=True, check=False)
    return "unreachable" in found.stderr


def test_the_loop_needs_no_network_and_keys_in_the_environment_are_in_no_byte_of_what_it_writes(tmp_path):
    places = [f"store={tmp_path}/store", f"reports={tmp_path}", f"hydra.run.dir={tmp_path}/run", "name=alone"]
    command = [sys.executable, "run.py", *QUICK, "strategy=[gpt4]", "logger=[csv,wandb,tensorboard]", *places]
    known = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "WANDB_"))}
    environment = {**known, **KEYS, "WANDB_MODE": "offline", "HF_HOME": str(tmp_path / "hub")}
    alone = cut_off()
    done = subprocess.run([*ALONE * alone, *command], cwd=ROOT, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert pd.read_csv(tmp_path / "alone" / "table.csv")["accuracy"].notna().all()
    written = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    kinds = {path.suffix for path in written}
    assert {".json", ".parquet", ".safetensors", ".csv", ".html", ".log", ".wandb"} <= kinds
    assert any("tfevents" in path.name for path in written)
    runs = [raw for path, raw in written.items() if path.suffix == ".wandb"]
    assert all(b"learning_rate" in raw for raw in runs)  # the bytes are plain, so a key would be seen
    for name, key in KEYS.items():
        held = [str(path) for path, raw in written.items() if key.encode() in raw]
        assert held == [], name
        assert key.encode() not in done.stdout + done.stderr
    if not alone:
        pytest.skip(
            "taking the network away takes rights that this process lacks (unshare --net); keys were looked for"
        )
