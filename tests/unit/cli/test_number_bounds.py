"""Every number in the configuration is refused before any work where it cannot be one of what it counts."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import OmegaConf

from sppl.bounds import fits
from sppl.cli.kinds import _hints, check_kinds
from sppl.schemas import UserError

ROOT = Path(__file__).parents[3]
CHOICES = [
    file for group in ("generator", "scorer", "trainer", "prompt") for file in (ROOT / "conf" / group).glob("*.yaml")
]
CHOICES += [
    file for group in ("benchmark", "target_model", "training") for file in (ROOT / "conf" / group).glob("*.yaml")
]
COMMANDS = [
    ["metric=[all]"],
    ["training=lora", "trainer=gpu", "experiment=shortlist", "scorer=server", "generator=server"],
    ["strategy=[claude,mixture,best_response]", "benchmark=gsm8k", "target_model=smollm2"],
    ["benchmark=local"],
]
ANY = {
    "benchmark.sampling.seed",
    "metric.grace.seed",
    "trainer.devices",
    "trainer.lightning.log_every_n_steps",
    "benchmark.questions.hub.rows",
}
"""Seeds of random numbers; -1 devices are all; what is Lightning's own; what belongs to a data set on the hub."""


def numbers(node: Any, config: dict[str, Any], place: tuple[str, ...] = ()) -> Iterator[str]:
    """The settings that are a number, or may be one where now they are null; what nothing reads here is left out."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from numbers(value, config, (*place, str(key)))
    elif node is None or (isinstance(node, int | float) and not isinstance(node, bool)):
        taken = list(_hints(list(place), config))
        if any(fits(7, hint) for hint in taken) and not (node is None and any(fits("a", hint) for hint in taken)):
            yield ".".join(place)


def built(config: Any, key: str) -> str:
    """What the component that a setting belongs to says of it; empty where it takes it."""
    place = key.split(".")
    owner = next(
        (
            place[:depth]
            for depth in range(len(place) - 1, 0, -1)
            if "_target_" in (OmegaConf.select(config, ".".join(place[:depth])) or {})
        ),
        None,
    )
    if owner is None:
        return ""
    try:
        instantiate(OmegaConf.select(config, ".".join(owner)))
    except (InstantiationException, UserError, ValueError) as error:
        return str(error.__cause__ or error)
    return ""


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_minus_one_of_anything_is_refused(command):
    taken = []
    with initialize_config_dir(str(ROOT / "conf"), version_base=None):
        config = compose("config", overrides=command)
        plain: Any = OmegaConf.to_container(config, resolve=False)
        for key in numbers({name: value for name, value in plain.items() if name != "hydra"}, plain):
            changed = deepcopy(config)
            OmegaConf.update(changed, key, -1, force_add=True)
            said = check_kinds([f"{key}=-1"], OmegaConf.to_container(changed, resolve=False))  # pyright: ignore[reportArgumentType]
            if not said and not built(changed, key):
                taken.append(key)
    assert sorted(set(taken) - ANY) == []


@pytest.mark.parametrize("choice", sorted(f"{file.parent.name}={file.stem}" for file in CHOICES))
def test_every_choice_of_a_group_is_checked_without_a_mistake_of_the_check_itself(choice):
    """Hydra shows an exception of its callbacks as a warning and goes on, unchecked."""
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        composed = compose("config", overrides=[choice])
    assert check_kinds([choice], OmegaConf.to_container(composed, resolve=False)) == ""  # type: ignore[arg-type]
