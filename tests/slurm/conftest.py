"""A real Slurm of one node on loopback: own key, ports, configuration and state, stopped after the tests."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.servers.running import free_ports, running

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol")
CONF = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ctld}
SlurmdPort={slurmd}
SlurmUser=root
SlurmdUser=root
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
KillWait=1
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=100000
PartitionName=debug Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def until(true: Callable[[], bool], what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.2)


def said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


@contextmanager
def daemon(*command: str, log: Path) -> Iterator[None]:
    with log.open("w") as file, running(command, file, patience=20):
        yield


@pytest.fixture(scope="session")
def cluster(tmp_path_factory) -> Iterator[Path]:
    """The `slurm.conf` of a Slurm that is up."""
    if missing := [name for name in NEEDED if not shutil.which(name)]:
        pytest.skip(f"no {', '.join(missing)}: apt-get install slurm-wlm munge")
    if os.geteuid() != 0:
        pytest.skip("Slurm's daemons are started as root here")
    folder = tmp_path_factory.mktemp("slurm")
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(128))
    conf = folder / "slurm.conf"
    host = socket.gethostname().partition(".")[0]
    ctld, slurmd = free_ports(2)
    conf.write_text(CONF.format(host=host, ctld=ctld, slurmd=slurmd, folder=folder, cpus=4))
    files = [f"--{name}-file={folder}/munged.{name}" for name in ("pid", "log", "seed")]
    munge = ["munged", "--foreground", "--force", f"--socket={folder}/munge.socket", f"--key-file={key}", *files]
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(conf))
        stack.enter_context(daemon(*munge, log=folder / "munged.out"))
        until((folder / "munge.socket").exists, "munged")
        for name in ("slurmctld", "slurmd"):
            stack.enter_context(daemon(name, "-D", log=folder / f"{name}.out"))
        until(lambda: said("sinfo", "--noheader", "--format=%T") == "idle", f"slurmd, see {folder}")
        yield conf
        said("scancel", "--user", "root")
        until(lambda: not said("squeue", "--noheader"), "the last jobs")


@pytest.fixture
def slurm(cluster, monkeypatch) -> list[str]:
    """Arguments that send jobs of the size of this machine to that Slurm."""
    monkeypatch.setenv("SLURM_CONF", str(cluster))
    return ["hydra/launcher=slurm", "hydra.launcher.cpus_per_task=1", "hydra.launcher.mem_gb=4"]
