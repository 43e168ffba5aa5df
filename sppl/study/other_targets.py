"""What other targets gained from the same strategies, as far as the store holds their results."""

from collections.abc import Sequence

import pandas as pd

from sppl.analysis.checks import PAIR
from sppl.analysis.outcomes import UNTRAINED
from sppl.artifacts.store import Store
from sppl.study.reported import outcomes_of

KEY = [*PAIR, "strategy"]
TOLERANCE = 1e-9


def other_targets_of(store: Store, rankings: pd.DataFrame) -> pd.DataFrame:
    """Returns how far ahead each ranked strategy was for other targets on the same benchmark, the best first.

    Returns:
        One row per benchmark, target and ranked strategy that another target was trained on: `lead` (mean over those
        targets of its accuracy minus the mean of all strategies trained alike), `others` (their names). Of a target
        with a single strategy nothing can be said; results on other questions than the test's do not count.
    """
    parts = []
    for benchmark, target in rankings[PAIR].drop_duplicates().itertuples(index=False):
        here = rankings.loc[(rankings["benchmark"] == benchmark) & (rankings["target_model"] == target), "strategy"]
        leads = _leads(store, benchmark, target)
        leads = leads[leads["strategy"].isin(here)]
        if leads["strategy"].nunique() < 2:
            continue
        found = leads.groupby("strategy").agg(lead=("lead", "mean"), others=("target_model", _named)).reset_index()
        parts.append(found.assign(benchmark=benchmark, target_model=target).sort_values("lead", ascending=False))
    columns = [*KEY, "lead", "others"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def describe_leads(leads: pd.DataFrame) -> list[str]:
    """Returns one sentence per benchmark and target: the strategy that other targets were trained best on."""
    said = []
    for (benchmark, target), part in leads.groupby(PAIR, sort=False):
        best = part.iloc[0]
        if best["lead"] <= part["lead"].min() + TOLERANCE:  # all did alike
            continue
        said.append(
            f"{benchmark}, {target}: of your other targets ({best['others']}), {best['strategy']} trained best, "
            f"{100 * best['lead']:.1f} points above the mean of the {len(part)} strategies they share with this ranking"
        )
    return said


def _leads(store: Store, benchmark: str, target: str) -> pd.DataFrame:
    artifacts = [
        artifact for artifact in store.artifacts("results", benchmark, "*", "*") if artifact.words[1] != target
    ]
    counted = [
        artifact.name
        for artifact in artifacts
        if artifact.words[2] != UNTRAINED and "split" not in store.provenance(artifact)
    ]
    every = outcomes_of(store, counted)
    reached = every.groupby([*KEY, "setup"])["accuracy"].mean().reset_index()
    alike = reached.groupby(["target_model", "setup"])
    reached["lead"] = reached["accuracy"] - alike["accuracy"].transform("mean")
    return reached[alike["strategy"].transform("nunique") > 1]


def _named(targets: Sequence[str]) -> str:
    return ", ".join(sorted(set(targets)))
