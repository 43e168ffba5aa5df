"""rank, from recorded scores: the published figures take the place of the user's own token statistics."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sppl.analysis.conventions import comparable
from sppl.analysis.paper import main_outcomes, planbench_outcomes
from sppl.analysis.resampling import RankedMetric
from sppl.artifacts.store import Store
from sppl.stages.leaves import Plan
from sppl.stages.ranking import rankings_leaf, write_ranking

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger


def rank_records(
    *,
    records: str,
    metric: Mapping[str, RankedMetric],
    store: Store,
    dry: bool = False,
    loggers: Sequence["Logger"] = (),  # noqa: ARG001 - the interface of every stage
) -> Plan:
    """Makes one `rankings` leaf over all recorded benchmarks and targets: strategies with both score and outcome.

    Args:
        records: folder of the read-only store with one `scores` and one `outcomes` leaf.
        metric: which recorded metrics are ranked by.
    """
    import pandas as pd

    source = Store(records)
    scores, outcomes = (source.leaves(kind)[0] for kind in ("scores", "outcomes"))
    inputs = {leaf.name: source.digest(leaf) for leaf in (scores, outcomes)}
    leaf = rankings_leaf(store, "paper", "all_targets", [one.name for one in metric.values()], inputs)
    plan = Plan((leaf.name,), ()) if store.exists(leaf) else Plan((), (leaf.name,))
    if not dry and plan.to_make:
        runs = source.read(outcomes)
        runs = pd.concat([main_outcomes(runs), planbench_outcomes(runs)], ignore_index=True)
        kept = comparable(source.read(scores), runs)
        write_ranking(store, leaf, kept, list(metric.values()), inputs=inputs, facts={"source": "records"}, flags={})
    return plan
