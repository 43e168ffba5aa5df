"""Which of several metrics a race is run by."""

from collections.abc import Iterable

from sppl.metrics.needs import Metric, Perplexed
from sppl.metrics.sppl import SelfAlignedPerplexity


def leading(metrics: Iterable[Metric]) -> Metric | None:
    """Self-aligned perplexity where it is chosen, else the first metric with log-perplexities; None without one."""
    able = [metric for metric in metrics if isinstance(metric, Perplexed)]
    return next((one for one in able if isinstance(one, SelfAlignedPerplexity)), able[0] if able else None)
