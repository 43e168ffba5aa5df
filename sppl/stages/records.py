"""rank from recorded scores: published figures take the place of the user's own token statistics."""

from collections.abc import Mapping

import pandas as pd

from sppl.analysis.conventions import take_comparable
from sppl.analysis.paper import main_outcomes, planbench_outcomes
from sppl.analysis.resampling import RankedMetric
from sppl.artifacts.store import Store
from sppl.study.loggers import Loggers, no_loggers
from sppl.study.plan import Plan, plan_of
from sppl.study.rankings import Ranking
from sppl.study.study import make_missing


def rank_records(
    *,
    records: str,
    metric: Mapping[str, RankedMetric],
    store: Store,
    dry: bool = False,
    loggers: Loggers = no_loggers,  # noqa: ARG001 - the interface of every stage
) -> Plan:
    """Makes one `rankings` artifact over all recorded benchmarks and targets: strategies with both score and outcome.

    Args:
        records: folder of the read-only store with one `scores` and one `outcomes` artifact.
        metric: which recorded metrics are ranked by.
    """
    source = Store(records)
    scores, outcomes = (source.artifacts(kind)[0] for kind in ("scores", "outcomes"))
    inputs = {artifact.name: source.digest(artifact) for artifact in (scores, outcomes)}

    def trained() -> pd.DataFrame:
        runs = source.read(outcomes)
        return take_comparable(
            source.read(scores), pd.concat([main_outcomes(runs), planbench_outcomes(runs)], ignore_index=True)
        )

    metrics = list(metric.values())
    facts, names = {"source": "records"}, [one.name for one in metrics]
    ranking = Ranking(store, ("paper", "all_targets"), names, metrics, inputs, trained, facts)
    plan = plan_of([ranking])
    if not dry:
        make_missing(store, ranking)
    return plan
