"""Every metric that can be chosen is proved by a case, and `all` chooses every one."""

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from hydra_plugins.sppl_metrics import every_metric
from tests.unit.metrics.tables import CASES


@pytest.fixture
def configs(root):
    every = [path.stem for path in sorted((root / "conf" / "metric").glob("*.yaml"))]
    with initialize_config_dir(str(root / "conf"), version_base="1.3"):
        composed = compose("config", overrides=[f"metric=[{','.join(every)}]"])
    return {name: OmegaConf.create(OmegaConf.to_container(one, resolve=True)) for name, one in composed.metric.items()}


def test_every_metric_config_has_a_case(configs):
    names = {instantiate(config, _convert_="all").name for config in configs.values()}
    assert len(names) == len(configs) >= 20
    assert names == {path.stem for path in CASES}


def test_all_is_every_metric_that_needs_no_other_model_and_the_control_comes_last(configs, root):
    with initialize_config_dir(str(root / "conf"), version_base="1.3"):
        chosen = list(compose("config", overrides=["metric=[all]"]).metric)
    assert chosen == every_metric()
    assert sorted(chosen) == sorted(name for name in configs if "model" not in configs[name])
    assert chosen[-1] == "length"


def test_a_config_says_the_direction_its_metric_has_by_itself(configs):
    for name, config in configs.items():
        plain = {key: value for key, value in config.items() if key != "higher_is_better"}
        assert instantiate(plain, _convert_="all") == instantiate(config, _convert_="all"), name


def test_the_direction_can_be_turned_round(configs):
    turned = OmegaConf.merge(configs["ifd"], {"higher_is_better": True})
    assert instantiate(turned).higher_is_better
