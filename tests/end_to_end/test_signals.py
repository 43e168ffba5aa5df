"""SIGTERM and Ctrl-C: a clean end at once, in a run and in a sweep, and going on afterwards."""

import json
import signal
import subprocess
import time
from pathlib import Path

from tests.conftest import QUICK

LONG = [*QUICK[:-1], "training.epochs=2000", "stage=[generate,finetune]", "logger=[]"]
"""Fine-tuning that would take minutes."""


def stopped_while_fitting(process: subprocess.Popen, store: Path, number: int) -> str:
    """Sends the signal once Lightning fits; returns all that was said, within 10 s."""
    while not list(store.rglob("checkpoints")):
        time.sleep(0.1)
        assert process.poll() is None
    time.sleep(2)
    process.send_signal(number)
    said, _ = process.communicate(timeout=10)
    return said


def test_ctrl_c_while_lightning_fits_ends_the_run_cleanly(start, tmp_path):
    process = start(*LONG, "strategy=[gpt4]", store=tmp_path / "store")
    said = stopped_while_fitting(process, tmp_path / "store", signal.SIGINT)
    assert process.returncode == 130, said
    assert "stopped by SIGINT; the same command again goes on" in said
    assert "Traceback" not in said
    assert json.loads((tmp_path / "run0" / "job.json").read_text())["status"] == "interrupted"


def test_sigterm_stops_a_sweep_and_its_remaining_jobs_are_not_started(start, tmp_path):
    process = start("-m", "strategy=gpt4,claude", *LONG, store=tmp_path / "store")
    said = stopped_while_fitting(process, tmp_path / "store", signal.SIGTERM)
    assert process.returncode == 143, said
    assert "Traceback" not in said
    records = [json.loads((tmp_path / "sweep" / n / "job.json").read_text())["status"] for n in ("0", "1")]
    assert records == ["interrupted", "not started"]
    assert not list((tmp_path / "store").glob("adapters/lab/lab/claude"))
