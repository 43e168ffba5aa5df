"""What the responses of the strategies took: requests, tokens, dollars, tries that brought nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from sppl.store import Store

COLUMNS = {
    "benchmark": str,
    "strategy": str,
    "source": str,
    "responses": "int64",
    "right": "int64",
    "requests": "int64",
    "input_tokens": "int64",
    "output_tokens": "int64",
    "cost": "Float64",
    "failed_tries": "int64",
    "note": str,
}


def spending_of(store: Store, rankings: Sequence[str]) -> pd.DataFrame:
    """One row per benchmark and strategy that was ranked, over all its responses in the store.

    Columns: `responses` and how many are `right`; what was really used: `requests`, `input_tokens`, `output_tokens`
    and `cost` (US dollars, <NA> where nothing was asked or a price is not known), tries that failed included;
    `failed_tries`, whose reasons are in `note`, or whose responses a derived strategy took.
    """
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for fact in (store.provenance(store.open(name)) for name in dict.fromkeys(rankings)):
        benchmark = fact["leaf"].split("/")[1]
        for strategy, folder in fact.get("responses", {}).items():
            rows[benchmark, strategy, folder] = _row(store, benchmark, strategy, folder)
    return pd.DataFrame(list(rows.values()), columns=list(COLUMNS)).astype(COLUMNS)


def _row(store: Store, benchmark: str, strategy: str, folder: str) -> dict[str, Any]:
    leaves = store.leaves("responses", benchmark, folder)
    facts = [store.provenance(leaf) for leaf in leaves]
    frames = [store.read(leaf) for leaf in leaves]
    used = [fact["usage"] for fact in facts if "usage" in fact]
    taken: Counter[str] = Counter()
    for fact in facts:
        taken.update(fact.get("taken_from", {}))
    notes = [f"{n} x {why}" for why, n in _failed(used).items()] + [f"{n} from {name}" for name, n in taken.items()]
    teachers = dict.fromkeys(one["teacher"] for one in used)
    return {
        "benchmark": benchmark,
        "strategy": strategy,
        "source": ", ".join(teachers or dict.fromkeys(fact["source"] for fact in facts)),
        "responses": sum(map(len, frames)),
        "right": sum(int(frame["correct"].sum()) for frame in frames),
        "failed_tries": sum(_failed(used).values()),
        "note": "; ".join(notes),
        **_used(used),
    }


def _used(usages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: sum(one[name] for one in usages) for name in ("requests", "input_tokens", "output_tokens")
    }
    costs = [one["cost"] for one in usages]
    return found | {"cost": sum(costs) if costs and None not in costs else pd.NA}


def _failed(usages: Sequence[Mapping[str, Any]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for one in usages:
        total.update(one.get("failed_tries", {}))
    return total


def spent(usages: Sequence[Mapping[str, Any]]) -> str:
    """What was used, in words."""
    used, failed = _used(usages), _failed(usages)
    dear = "at an unknown price" if used["cost"] is pd.NA else f"for ${used['cost']:.4f}"
    lost = "; tries that failed: " + ", ".join(f"{n} x {why}" for why, n in failed.items()) if failed else ""
    return (
        f"{used['requests']} answers of {', '.join(dict.fromkeys(one['teacher'] for one in usages))}, "
        f"{used['input_tokens']:,} tokens read and {used['output_tokens']:,} written, {dear}{lost}"
    )
