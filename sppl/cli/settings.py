"""Turns the composed configuration into plain data, once it has been checked.

The checks are imported where they are called, so that showing a configuration needs nothing heavy.
"""

import logging
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sppl.cli.command_line import in_own_words
from sppl.cli.own_model import without_chosen
from sppl.keys import check_for_keys
from sppl.names import NAME, NAME_RULE

log = logging.getLogger(__name__)


def as_plain(cfg: DictConfig, resolve: bool = True) -> dict[str, Any]:
    """Returns the configuration, resolved by default, as plain data without Hydra's own part."""
    ours = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
    return OmegaConf.to_container(ours, resolve=resolve)  # pyright: ignore[reportReturnType]


def check_config(cfg: DictConfig, place: str = "") -> dict[str, Any]:
    """Checks a configuration and returns it as plain data, empty where it cannot be resolved.

    Ends the process with a sentence where it must not be written down, or its folder cannot be written to.

    Args:
        cfg: of a run, a sweep or a job.
        place: `run` or `sweep`: whose folder is to be written to; empty for a job of a sweep.
    """
    from sppl.cli.choices import check_composed_lists
    from sppl.cli.devices import check_devices
    from sppl.cli.errors import check_folder, explain_error
    from sppl.cli.kinds import check_kinds
    from sppl.cli.launching import check_launcher
    from sppl.cli.unknown import check_unused
    from sppl.cli.unused import check_added, describe_idle_words

    try:
        found = as_plain(cfg)
        refused = check_names(found) or check_devices(found)
    except OmegaConfBaseException:
        found, refused = {}, check_for_keys(as_plain(cfg, resolve=False))
        try:
            OmegaConf.select(cfg, "name")
        except OmegaConfBaseException as error:  # other than that the job itself says what is wrong
            refused = refused or explain_error(error)
    refused = refused or check_for_keys({"hydra": OmegaConf.to_container(cfg.hydra, resolve=False)})
    raw, words = as_plain(cfg, resolve=False), [*cfg.hydra.overrides.task, *cfg.hydra.overrides.hydra]
    sweep = place != "run"
    refused = refused or check_unused(raw) or check_kinds(words, raw) or check_added(words, raw, sweep=sweep)
    refused = refused or check_composed_lists(cfg.hydra.runtime.choices) or check_launcher(cfg.hydra.launcher._target_)
    refused = refused or (place and check_folder(Path(cfg.hydra[place].dir)))
    if refused:
        sys.exit(in_own_words(refused))
    by_hand = [*without_chosen(cfg.hydra.overrides.task), *cfg.hydra.overrides.hydra]
    if place and (idle := describe_idle_words(by_hand, raw, sweep=sweep)):
        log.warning(idle)
    return found


def check_names(config: Mapping[Any, Any]) -> str:
    """Returns why a configuration must not be written down: it holds a key, or a name that leads out of its folder.

    Called before any folder is made; empty if all is well.
    """
    if said := check_for_keys(config):
        return said
    wrong = next(((place, name) for place, name in _names(config) if not NAME.fullmatch(name)), None)
    return f"{wrong[0]}={wrong[1]!r} cannot name files and folders: {NAME_RULE}" if wrong else ""


def _names(config: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    """Every name that becomes a part of paths, with the place where it stands."""
    yield "name", str(config.get("name"))
    for group in ("benchmark", "target_model", "strategy", "teacher"):
        part = config.get(group)
        several = part if group in ("strategy", "teacher") and isinstance(part, Mapping) else {}
        yield from ((f"a name in {group}", str(key)) for key in several)
        for place, one in {group: part, **{f"{group}.{key}": one for key, one in several.items()}}.items():
            if isinstance(one, Mapping) and isinstance(one.get("name"), str):
                yield f"{place}.name", one["name"]
