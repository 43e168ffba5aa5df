"""The choice `metric=[all]`: Hydra imports what lies in this folder before it composes anything."""

import re

from hydra.core.config_store import ConfigStore

from sppl.packaged import conf

FIRST, LAST = ("sppl", "perplexity"), "length"
"""What tables begin with, and the control that predicts nothing, with which they end."""
OWN_MODEL = re.compile(r"^\s*(model:|- .*@model\b)", re.MULTILINE)
"""How a metric's file says that it needs a model of its own, which would have to be fetched first."""


def every_metric() -> list[str]:
    """The names of all metrics that need no model but the target."""
    files = {path.stem: path.read_text(encoding="utf-8") for path in conf().joinpath("metric").glob("*.yaml")}
    names = {name for name, text in files.items() if not OWN_MODEL.search(text)}
    return [*FIRST, *sorted(names - {*FIRST, LAST}), LAST]


ConfigStore.instance().store(group="metric", name="all", node={"defaults": every_metric()})
