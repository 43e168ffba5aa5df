"""The outcomes of shortlisted strategies' pilots, read from the store for a report."""

from collections.abc import Sequence

import pandas as pd

from sppl.artifacts.store import Store


def pilot_outcomes_of(store: Store, shortlists: Sequence[str]) -> pd.DataFrame:
    """Returns one row per shortlist and strategy, best score first, with how its pilots were trained and measured.

    Columns: `benchmark, target_model, metric, strategy, value, rank, pilot, settled`, `of` (strategies that competed),
    `k`, `n_pilot`, `epochs`, `n_seeds`, `n_validation`, `untrained` (its accuracy on the same questions).
    """
    parts = []
    for artifact in (store.open(name) for name in dict.fromkeys(shortlists)):
        fact = store.provenance(artifact)
        key = {"benchmark": artifact.words[0], "target_model": artifact.words[1], "metric": fact["metric"]}
        how = {name: fact[name] for name in ("of", "k", "n_pilot", "epochs", "n_validation")}
        how |= {"n_seeds": len(fact["seeds"]), "untrained": fact.get("untrained")}
        frame = store.read(artifact).assign(**how)
        parts.append(frame.assign(**key)[[*key, *frame.columns]])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
