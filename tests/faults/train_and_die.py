"""Trains a tiny model again and again in child processes that are killed at given moments; prints what came out.

    python train_and_die.py SETTINGS FOLDER MOMENTS

A moment is a step (`7`: killed before it) or a time in seconds (`0.31s`). Every run is killed once, repeated, and
compared with a run that nobody killed.
"""

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import torch
from tiny import Stop, train

from sppl.training.lora import Lora
from sppl.training.training_settings import Training


def child(training: Training, folder: Path, step: int | None = None) -> None:
    """Trains to the end and leaves weights and losses, or dies before a step."""
    try:
        model, losses = train(training, folder, stop=step, save_seconds=0)
    except Stop:
        os.kill(os.getpid(), signal.SIGKILL)
    torch.save({"weights": model.state_dict(), "losses": losses}, folder / "result.pt")


def start(*arguments: object) -> int:
    pid = os.fork()
    if pid == 0:
        child(*arguments)  # pyright: ignore
        os._exit(0)
    return pid


def finished(pid: int) -> bool:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def result(folder: Path) -> dict:
    return torch.load(folder / "result.pt", weights_only=True)


def main() -> None:
    torch.set_num_threads(1)
    settings, root, moments = json.loads(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    lora = Lora(**settings.pop("lora")) if "lora" in settings else None
    training = Training(**settings, lora=lora)
    assert finished(start(training, root / "whole"))
    whole = result(root / "whole")
    report = []
    for moment in moments:
        folder = root / moment
        shutil.rmtree(folder, ignore_errors=True)
        if moment.endswith("s"):
            pid = start(training, folder)
            time.sleep(float(moment[:-1]))
            os.kill(pid, signal.SIGKILL)
        else:
            pid = start(training, folder, int(moment))
        killed = not finished(pid)
        saved = len(list(folder.glob("*.ckpt")))
        again = finished(start(training, folder))
        found = result(folder)
        report.append({
            "moment": moment,
            "killed": killed,
            "saved": saved,
            "again": again,
            "losses": all(whole["losses"][step] == loss for step, loss in found["losses"].items()),
            "first": min(found["losses"], default=0),
            "weights": all(torch.equal(whole["weights"][name], part) for name, part in found["weights"].items()),
        })  # fmt: skip
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main()
