"""The outcomes of shortlisted strategies' pilots, read from the store for a report."""

from collections.abc import Sequence

import pandas as pd

from sppl.analysis.paired import compare_pairs
from sppl.artifacts.store import Store
from sppl.study.reported import answers_of, outcomes_of


def pilot_outcomes_of(store: Store, shortlists: Sequence[str]) -> pd.DataFrame:
    """Returns one row per shortlist and strategy, best score first, with how its pilots were trained and measured.

    Columns: `benchmark, target_model, metric, strategy, value, rank, pilot, settled`, `of` (strategies that competed),
    `k`, `n_pilot`, `epochs`, `n_seeds`, `n_validation`, `untrained` (its accuracy on the same questions). And how much
    more often the one that was settled on is right on the same questions: `ahead`, `low`, `high`, `p`, as
    `sppl.analysis.paired.compare_pairs` has them; empty for itself.
    """
    parts = []
    for artifact in (store.open(name) for name in dict.fromkeys(shortlists)):
        fact = store.provenance(artifact)
        key = {"benchmark": artifact.words[0], "target_model": artifact.words[1], "metric": fact["metric"]}
        how = {name: fact[name] for name in ("of", "k", "n_pilot", "epochs", "n_validation")}
        how |= {"n_seeds": len(fact["seeds"]), "untrained": fact.get("untrained")}
        frame = store.read(artifact).assign(**how)
        pick = str(frame.loc[frame["settled"], "strategy"].iloc[0])
        frame = frame.merge(_ahead_of(store, list(fact["inputs"]), pick), on="strategy", how="left")
        parts.append(frame.assign(**key)[[*key, *frame.columns]])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _ahead_of(store: Store, inputs: Sequence[str], pick: str) -> pd.DataFrame:
    """The paired differences of the pick's pilots to each other strategy's."""
    results = [name for name in inputs if name.startswith("results/")]
    pairs = compare_pairs(answers_of(store, results, outcomes_of(store, results)))
    rows = pairs.rename(columns={"difference": "ahead"})
    turned = rows.assign(strategy=rows["other"], other=rows["strategy"], ahead=0.0 - rows["ahead"],
                         low=0.0 - rows["high"], high=0.0 - rows["low"])  # fmt: skip
    both = pd.concat([rows, turned], ignore_index=True)
    mine = both[both["strategy"] == pick]
    return mine.drop(columns="strategy").rename(columns={"other": "strategy"})[
        ["strategy", "ahead", "low", "high", "p"]
    ]
