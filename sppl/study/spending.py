"""What the responses of the strategies took: requests, tokens, dollars, failed tries."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from sppl.artifacts.provenance import fingerprint
from sppl.artifacts.store import Store

COLUMNS = {
    "benchmark": str,
    "strategy": str,
    "source": str,
    "responses": "int64",
    "right": "Int64",
    "requests": "int64",
    "input_tokens": "Int64",
    "output_tokens": "Int64",
    "cost": "Float64",
    "failed_tries": "int64",
    "note": str,
}


def spending_of(store: Store, rankings: Sequence[str]) -> pd.DataFrame:
    """Returns one row per benchmark and ranked strategy, over all its responses in the store.

    Columns: `responses` and how many are `right` (<NA> where nothing is judged); what was really used: `requests`,
    `input_tokens`, `output_tokens` and `cost` (US dollars, <NA> where nothing was asked, or a price or the tokens of a
    request are not known), tries that failed included; `failed_tries`, whose reasons are in `note`, or whose responses
    a derived strategy took.
    """
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for fact in (store.provenance(store.open(name)) for name in dict.fromkeys(rankings)):
        benchmark = fact["leaf"].split("/")[1]
        for strategy, folder in fact.get("responses", {}).items():
            rows[benchmark, strategy, folder] = _row(store, benchmark, strategy, folder, fact["judge"])
    return pd.DataFrame(list(rows.values()), columns=list(COLUMNS)).astype(COLUMNS)


def _row(store: Store, benchmark: str, strategy: str, folder: str, judge: str) -> dict[str, Any]:
    artifacts = store.artifacts("responses", benchmark, folder)
    facts = [store.provenance(artifact) for artifact in artifacts]
    frames = [store.read(artifact) for artifact in artifacts]
    used = [fact["usage"] for fact in facts if "usage" in fact]
    taken: Counter[str] = Counter()
    for fact in facts:
        taken.update(fact.get("taken_from", {}))
    notes = [f"{n} x {why}" for why, n in _failed(used).items()] + [f"{n} from {name}" for name, n in taken.items()]
    notes += [f"all in all {_took(used)}"] if _silent(used) else []
    teachers = dict.fromkeys(one["teacher"] for one in used)
    return {
        "benchmark": benchmark,
        "strategy": strategy,
        "source": ", ".join(teachers or dict.fromkeys(fact["source"] for fact in facts)),
        "responses": sum(map(len, frames)),
        "right": _right(store, benchmark, folder, judge, frames),
        "failed_tries": sum(_failed(used).values()),
        "note": "; ".join(notes),
        **_used(used),
    }


def _right(store: Store, benchmark: str, folder: str, judge: str, frames: Sequence[pd.DataFrame]) -> Any:
    """How many of the responses were judged right the last time they were; <NA> without a rule."""
    if judge == "none":
        return pd.NA
    verdicts = [store.read(artifact) for artifact in store.artifacts("verdicts", benchmark, judge, folder)]
    if not verdicts or not frames:
        return 0
    texts = pd.concat(frames).assign(answer=lambda frame: frame["response"].map(fingerprint))
    said = pd.concat(verdicts).drop_duplicates(["question_id", "answer"], keep="last")
    return int((texts[["question_id", "answer"]].merge(said, on=["question_id", "answer"])["correct"] == 1.0).sum())


def _used(usages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The sums; <NA> where one of the parts is not known."""
    found: dict[str, Any] = {"requests": sum(one["requests"] for one in usages)}
    for name in ("input_tokens", "output_tokens"):
        found[name] = pd.NA if _silent(usages) else sum(one[name] for one in usages)
    costs = [one["cost"] for one in usages]
    return found | {"cost": sum(costs) if costs and None not in costs else pd.NA}


def _silent(usages: Sequence[Mapping[str, Any]]) -> int:
    """Requests whose tokens nobody knows; only where there are some the record says so."""
    return sum(one.get("without_usage", 0) for one in usages)


def _failed(usages: Sequence[Mapping[str, Any]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for one in usages:
        total.update(one.get("failed_tries", {}))
    return total


def describe_spending(usages: Sequence[Mapping[str, Any]]) -> str:
    """Returns what was used, in words: requests, tokens, dollars, and why tries failed."""
    answers, failed = sum(one["requests"] for one in usages), _failed(usages)
    names = ", ".join(dict.fromkeys(one["teacher"] for one in usages))
    lost = "; tries that failed: " + ", ".join(f"{n} x {why}" for why, n in failed.items()) if failed else ""
    requests, batches = answers + failed.total(), sum(one.get("in_batches", 0) for one in usages)
    half = f" ({batches} in batches at half the price)" if batches else ""
    return f"{requests} request{'s' * (requests != 1)} to {names}, {answers} answered{half}, {_took(usages)}{lost}"


def _took(usages: Sequence[Mapping[str, Any]]) -> str:
    """Tokens and dollars in words; what is not known is never counted as zero."""
    silent = _silent(usages)
    read, written = (sum(one[name] for one in usages) for name in ("input_tokens", "output_tokens"))
    costs = [one.get("known_cost", one["cost"]) for one in usages]
    told = f"{read:,} tokens read and {written:,} written"
    price = "at an unknown price" if None in costs else f"for {dollars(sum(costs))}"
    if not silent:
        return f"{told}, {price}"
    if not read and not written:
        return "an unknown number of tokens, at an unknown cost: the server does not say what it used"
    return f"at least {told}, {price.replace('for', 'for at least')}; what {silent} of them took is unknown"


def dollars(amount: float) -> str:
    """Returns US dollars as text: to a hundredth of a cent, from $100 on to a cent, tiny amounts with their digits."""
    if amount == 0:
        return "$0"
    return f"${amount:.2g}" if amount < 1e-4 else f"${amount:.4f}" if amount < 100 else f"${amount:,.2f}"
