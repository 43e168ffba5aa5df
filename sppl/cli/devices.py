"""Refuses trainers with which Lightning would start the whole command again on every device."""

import re
from collections.abc import Mapping
from typing import Any

from sppl.cli.command_line import command_line
from sppl.commands import command

SWEPT = ("strategy=gpt4,claude", "seed=0,1")
"""A sweep as an example."""
DEVICES = re.compile(r"trainer(\.|$)")
"""What says on which devices one job works."""


def check_devices(config: Mapping[Any, Any]) -> str:
    """Returns why this trainer would start the whole command (or sweep) on every device; empty if it would not.

    That is how Lightning's `ddp` works, and all of these commands would wait for each other's locks.
    """
    chosen = config.get("trainer") or {}
    devices, strategy = (chosen.get(key, 1) for key in ("devices", "strategy"))
    nodes = (chosen.get("lightning") or {}).get("num_nodes", 1)
    again: dict[str, Any] = {"drop": DEVICES, "sweep": True}
    count = len(devices) if isinstance(devices, list) else devices
    if str(nodes) != "1":
        return (
            f"trainer.lightning.num_nodes={nodes}: a job takes the devices of one machine; for many machines make it a "
            "sweep, a job per strategy or seed: " + command(command_line(), *SWEPT, "hydra/launcher=slurm", **again)
        )
    if isinstance(count, int) and count < 1 and count != -1:  # which are all there are
        return f"trainer.devices={devices}: `trainer.devices` is a whole number above 0, or a list of devices' numbers"
    if str(count) == "1" or str(strategy).endswith("_spawn"):
        return ""
    return (
        f"trainer.devices={devices} with strategy={strategy} would start this whole command on every device, with -m "
        f"the whole sweep; take trainer=ddp (or trainer=fsdp) trainer.devices={devices}, which spawns processes for "
        "the fit alone, or one device per job: "
        + command(command_line(), *SWEPT, "trainer=gpu", "hydra/launcher=joblib", **again)
    )
