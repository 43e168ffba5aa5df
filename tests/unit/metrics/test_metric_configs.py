"""Every metric that can be chosen is proved by a case, and `all` chooses every one."""

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from tests.unit.metrics.tables import CASES


@pytest.fixture
def configs(root):
    return {path.stem: OmegaConf.load(path) for path in sorted((root / "conf" / "metric").glob("*.yaml"))}


def test_every_metric_config_has_a_case(configs):
    chosen = {name for name in configs if name != "all"}
    names = {instantiate(configs[name], _convert_="all").name for name in chosen}
    assert len(names) == len(chosen) >= 17
    assert names == {path.stem for path in CASES}


def test_all_is_every_metric_that_needs_no_other_model_and_the_control_comes_last(configs):
    every = list(configs["all"].defaults)
    assert sorted(every) == sorted(name for name in configs if name != "all" and "model" not in configs[name])
    assert every[-1] == "length"


def test_a_config_says_the_direction_its_metric_has_by_itself(configs):
    for name, config in configs.items():
        if name != "all":
            plain = {key: value for key, value in config.items() if key != "higher_is_better"}
            assert instantiate(plain, _convert_="all") == instantiate(config, _convert_="all"), name


def test_the_direction_can_be_turned_round(configs):
    turned = OmegaConf.merge(configs["ifd"], {"higher_is_better": True})
    assert instantiate(turned).higher_is_better
