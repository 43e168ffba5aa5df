"""What is refused before any work, and how a user is told."""

import errno
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sppl.keys import key_in
from sppl.schemas import UserError

log = logging.getLogger(__name__)

NAMED = re.compile(r"""_target_['"]?\s*[:=]\s*['"]?([\w.]+)""")
"""How a configuration file or an argument names a component."""
NAME = re.compile(r"\w[\w.+=@-]*")
"""What may name leaves, folders and files."""
NAME_RULE = "use letters, digits and . _ + = @ - (first a letter, a digit or _)"
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM}
NO_ROOM = re.compile(r"no space left on device|file too large|disk quota|PytorchStreamWriter failed writing", re.I)
NO_MEMORY = re.compile(
    r"(out of|not enough) memory|(cannot|can't|unable to) allocate|bad_alloc|failed to map|(start|launch) \w+ thread",
    re.I,
)
"""How libraries say it that have no error of their own for it."""


def refuse_empty_lists(config: Mapping[Any, Any], conf: Path) -> None:
    """Refuses empty lists: an empty list makes its key vanish from the configuration.

    Args:
        config: of a job.
        conf: the folder of configuration files, which has the choices.
    """
    for group, example in (("stage", "score"), ("strategy", "gpt4"), ("metric", "sppl")):
        if not config.get(group):
            choices = ", ".join(sorted(path.stem for path in conf.glob(f"{group}/*.yaml")))
            raise UserError(
                f"the list `{group}` is empty; choose one or more, e.g. '{group}=[{example}]'. There are: {choices}"
            )


MOVED = {
    "trainer.training.": "training.",
    "trainer.lightning.accelerator=": "trainer.accelerator=",
    "trainer.lightning.devices=": "trainer.devices=",
    "trainer.lightning.strategy=": "trainer.strategy=",
    "trainer.device=": "trainer.accelerator= (cpu or gpu)",
    "trainer=paper": "training=paper",
    "stage.benchmark.batch_size=": "generator.batch_size=",
    "stage.predict.batch_size=": "generator.batch_size=",
    "trainer.lightning.precision=": "training.precision=",
    "scorer.z=": "scorer.error=, the chance that a race drops its best strategy (scorer.error=0.05)",
}
"""How settings were once typed, and how they are now."""


def moved(arguments: Iterable[str]) -> str:
    """How to type a setting that had another name once; empty where there is none."""
    for given in arguments:
        for old, new in MOVED.items():
            if given.lstrip("+~").startswith(old):
                two = " (trainer is the hardware, training how a model is trained)" if "trainer" in old else ""
                return f"{given}: this setting is now {new}{two}"
    return ""


def unwritable(config: Mapping[Any, Any]) -> str:
    """Why a job's or sweep's configuration must not be written down: it holds a key, or a name leads out of its folder.

    To be asked before a folder is made; empty if all is well.
    """
    if said := key_in(config):
        return said
    wrong = next(((place, name) for place, name in _names(config) if not NAME.fullmatch(name)), None)
    return f"{wrong[0]}={wrong[1]!r} cannot name files and folders: {NAME_RULE}" if wrong else ""


def _names(config: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    """What becomes a part of paths, with the place where it stands."""
    yield "name", str(config.get("name"))
    for group in ("benchmark", "target_model", "strategy", "teacher"):
        part = config.get(group)
        several = part if group in ("strategy", "teacher") and isinstance(part, Mapping) else {}
        yield from ((f"a name in {group}", str(key)) for key in several)
        for place, one in {group: part, **{f"{group}.{key}": one for key, one in several.items()}}.items():
            if isinstance(one, Mapping) and isinstance(one.get("name"), str):
                yield f"{place}.name", one["name"]


def components_named(folders: Iterable[Path], *texts: str) -> frozenset[str]:
    """The components that the YAML files of configuration folders, or further texts of the kind, name."""
    files = (path for folder in folders for path in folder.rglob("*.yaml"))
    return frozenset(name for text in (*(path.read_text() for path in files), *texts) for name in NAMED.findall(text))


def foreign_in(config: Any, known: frozenset[str]) -> str:
    """What a record's configuration names that nothing of ours does; empty if all is known.

    Records lie in folders that others may write to, and what they name is called. An interpolation is foreign too:
    records are resolved, and resolving one could read the environment.
    """
    return next((name for name in _called(config) if name not in known), "")


def refuse_foreign(record: Path, config: Mapping[Any, Any], known: frozenset[str]) -> None:
    """Refuses a record of a job that names components which neither the command nor its configuration files name.

    Raises:
        UserError: it does; nothing of it has been called.
    """
    if name := foreign_in(config, known):
        raise UserError(
            f"{record} asks for {name!r}, which neither this command nor its configuration files name, so it is not "
            f"ours and nothing of it is run. Remove {record.parent} and run the same command again"
        )


def _called(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if "_target_" in value:
            yield str(value["_target_"])
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _called(part)
    elif isinstance(value, str) and "${" in value:
        yield value


def relaunching(config: Mapping[Any, Any]) -> str:
    """Why this trainer would start the whole command, and with `-m` the whole sweep, on every device; empty if not.

    That is how Lightning's `ddp` works. Every one of these commands would wait for the other's locks.
    """
    chosen = config.get("trainer") or {}
    devices, strategy = (chosen.get(key, 1) for key in ("devices", "strategy"))
    nodes = (chosen.get("lightning") or {}).get("num_nodes", 1)
    count = len(devices) if isinstance(devices, list) else devices
    if str(nodes) != "1":
        return (
            f"trainer.lightning.num_nodes={nodes}: a job takes the devices of one machine; for many machines make it a "
            "sweep, a job per strategy or seed: python run.py -m strategy=gpt4,claude seed=0,1 hydra/launcher=slurm"
        )
    if str(count) == "1" or str(strategy).endswith("_spawn"):
        return ""
    return (
        f"trainer.devices={devices} with strategy={strategy} would start this whole command on every device, with -m "
        f"the whole sweep; take trainer=ddp (or trainer=fsdp) trainer.devices={devices}, which spawns processes for "
        "the fit alone, or one device per job: python run.py -m ... trainer=gpu hydra/launcher=joblib (or slurm)"
    )


def uninstalled(launcher: str) -> str:
    """What is missing where the package of a launcher (its dotted class) is not installed; empty if it is there."""
    try:
        if find_spec(launcher.rpartition(".")[0]):
            return ""
    except ModuleNotFoundError:
        pass
    return (
        f"the launcher {launcher} is not installed; it comes with the extra `slurm`: python -m pip install "
        "-c constraints.txt -e '.[slurm]'"
    )


def unplaceable(folder: Path) -> str:
    """Why nothing can be written to a folder, which is made if need be; empty if all is well."""
    probe = folder / ".room"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(bytes(1 << 16))
        probe.unlink()
    except OSError as error:
        with suppress(OSError):
            probe.unlink()
        return sentence_of(error)
    return ""


@contextmanager
def told(failed: Callable[[str], object]) -> Iterator[None]:
    """Within this block what a user has to know of is logged as a sentence and handed over; what is left is a bug."""
    try:
        yield
    except Exception as error:
        if not (said := sentence_of(error)):
            raise
        log.error(said)
        failed(said)


def sentence_of(error: BaseException) -> str:
    """What a user needs to know of an error; empty where it is a mistake of ours, whose traceback is wanted.

    Of Hydra's errors on a component its name, what is wrong, and the choices; of the machine's what it lacks.
    """
    if type(error).__module__.startswith("hydra") and isinstance(error.__cause__, UserError):
        error = error.__cause__  # a component refused what it was given, in a sentence of its own
    text = str(error)
    if isinstance(error, UserError) or type(error).__module__.partition(".")[0] in ("hydra", "omegaconf"):
        what, _, where = text.partition("full_key:")
        what = re.sub(r"^Error in call to target '([\w.]+)':", r"\1:", what.strip())
        return " ".join(f"{where.strip()}: {what}".removeprefix(": ").split())
    said = " ".join(text.split())[:300]
    if (isinstance(error, OSError) and error.errno in FULL) or NO_ROOM.search(text):
        return (
            f"there is no room left to write ({said}). Make room, and run the same command again; it goes on from here"
        )
    if isinstance(error, OSError) and error.errno in CLOSED:
        return (
            f"this place cannot be written to or read ({said}). Change its rights, or give others, e.g. store=FOLDER "
            "reports=FOLDER hydra.run.dir=FOLDER hydra.sweep.dir=FOLDER"
        )
    if isinstance(error, MemoryError) or NO_MEMORY.search(text):
        return (
            f"memory does not suffice ({said or 'MemoryError'}). Take smaller batches (generator.batch_size, "
            "training.batch_size with more training.accumulate, scorer.max_tokens), or fewer jobs at "
            "once, and run the command again; it goes on from here"
        )
    return ""
