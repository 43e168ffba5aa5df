"""Every configuration file composes, and what it names exists and takes the arguments it is given."""

import inspect
import re
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

import sppl.cli.app  # noqa: F401 - it knows ${checkout:...}

CONF = Path(__file__).parents[2] / "conf"
LISTS = {"stage", "strategy", "metric", "logger", "teacher"}
OPTIONS = sorted(
    (path.parent.name, path.stem) for path in CONF.glob("*/*.yaml") if path.parent.name not in ("hydra", "experiment")
)
TEACHERS = [path.stem for path in sorted(CONF.glob("teacher/*.yaml")) if "request: null" in path.read_text()]
EXPERIMENTS = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))


def composed(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", overrides=list(overrides))


def targets(node: object):
    """Every node with a `_target_`, with interpolations resolved."""
    if isinstance(node, dict):
        if "_target_" in node:
            yield node
        for part in node.values():
            yield from targets(part)
    elif isinstance(node, list):
        for part in node:
            yield from targets(part)


def check(cfg: DictConfig) -> int:
    found = list(targets(OmegaConf.to_container(cfg, resolve=True)))
    for node in found:
        called = get_object(node["_target_"])
        given = {key: None for key in node if not key.startswith("_")}
        signature = inspect.signature(called)
        signature.bind_partial(**given)
    return len(found)


def test_the_options_are_as_many_as_there_are_files():
    assert len(OPTIONS) >= 35


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_option_composes_and_fits_what_it_names(group, option):
    choice = f"{group}=[{option}]" if group in LISTS else f"{group}={option}"
    assert check(composed(choice)) >= 10


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_composes_and_sets_its_own_name(name):
    cfg = composed(f"experiment={name}")
    assert cfg.name == name
    assert check(cfg) >= 2


def test_list_options_stack_under_their_own_keys():
    cfg = composed("metric=[sppl,length]", "metric.sppl.n_examples=3", "strategy=[gpt4,claude]")
    assert list(cfg.metric) == ["sppl", "length"]
    assert cfg.metric.sppl.n_examples == 3
    assert [cfg.strategy[key].name for key in cfg.strategy] == ["gpt4", "claude"]


def test_a_strategy_file_is_named_like_its_strategy():
    for path in set((CONF / "strategy").glob("*.yaml")) - {CONF / "strategy" / "files.yaml"}:
        assert composed(f"strategy=[{path.stem}]").strategy[path.stem].name == path.stem


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("target_model.template_options={enable_thinking: false}", "target_model.template_options.enable_thinking"),
        ("benchmark.questions.fields={question: task}", "benchmark.responses.fields.question"),
        (
            "generator.request={chat_template_kwargs: {enable_thinking: false}}",
            "generator.request.chat_template_kwargs",
        ),
        *((f"teacher.{name}.request={{seed: 1}}", f"teacher.{name}.request.seed") for name in TEACHERS),
    ],
)
def test_settings_with_names_of_the_users_own_are_typed_as_a_mapping(typed, key):
    cfg = composed("benchmark=local", "generator=server", typed)
    assert OmegaConf.select(cfg, key) is not None
    assert check(cfg) > 0


def test_no_setting_is_an_empty_mapping_which_a_command_line_could_not_fill():
    empty = [path for path in CONF.glob("*/**/*.yaml") if re.search(r":\s*\{\}", path.read_text())]
    assert [path.name for path in empty if path.parent.parent.name != "hydra"] == []
