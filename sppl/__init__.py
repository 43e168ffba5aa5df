"""Self-aligned perplexity: choose the training responses that suit a target model (arXiv 2502.11779).

`score`, `rank` and `pick` are the method from Python (`docs/python.md`); the command is `sppl`, in a checkout
`python run.py`. What is named here is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sppl.api.calls import pick, rank, score
    from sppl.metrics.needs import Metric
    from sppl.models.target import TargetModel
    from sppl.strategies.recipe import Recipe

__version__ = "0.1.0"
__all__ = ["Metric", "Recipe", "TargetModel", "__version__", "pick", "rank", "score"]

_HOMES = {
    "score": "sppl.api.calls",
    "rank": "sppl.api.calls",
    "pick": "sppl.api.calls",
    "TargetModel": "sppl.models.target",
    "Recipe": "sppl.strategies.recipe",
    "Metric": "sppl.metrics.needs",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'sppl' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
