"""Checks training examples before training: how long they are, how many are cut off, how many are wrong."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from sppl.analysis.checks import PAIR

WRONG = 0.1
"""A larger share of wrong answers is warned of."""
FEW_OWN = 0.1
"""A smaller share of right own answers is warned of."""


def sample_table(samples: pd.DataFrame, max_tokens: int | None) -> pd.DataFrame:
    """Returns one row per benchmark, target and strategy, of the responses that were scored.

    Columns: `responses` that were looked at; `mean_tokens` of a response; `longest` example, prompt and response
    together, in tokens; `beyond_max_tokens` and `beyond_context`, how many are longer than the training's `max_tokens`
    and than the target can read (<NA> without such a limit, or where nothing could be encoded); `wrong` (<NA> where
    nothing is judged).

    Args:
        samples: of `sppl.study.samples.samples_of`.
        max_tokens: of the training; None: as long as the model can read.
    """
    rows: list[dict[str, Any]] = []
    for key, part in samples.groupby([*PAIR, "strategy"], sort=False):
        tokens = (part["prompt_tokens"] + part["response_tokens"]).dropna()
        context = part["context"].iloc[0]
        row = dict(zip([*PAIR, "strategy"], key, strict=True)) | {"responses": len(part)}
        row["mean_tokens"] = pd.NA if tokens.empty else float(part["response_tokens"].mean())
        row["longest"] = pd.NA if tokens.empty else int(tokens.max())
        for name, limit in (("beyond_max_tokens", max_tokens), ("beyond_context", context)):
            unknown = limit is None or pd.isna(limit) or tokens.empty
            row[name] = pd.NA if unknown else int((tokens > limit).sum())
        judged = part["correct"].dropna()
        rows.append(row | {"wrong": pd.NA if judged.empty else int((~judged.astype(bool)).sum())})
    kinds = dict.fromkeys(["responses", "longest", "beyond_max_tokens", "beyond_context", "wrong"], "Int64")
    columns = [*PAIR, "strategy", "responses", "mean_tokens", *list(kinds)[1:]]
    return pd.DataFrame(rows, columns=columns).astype(kinds | {"mean_tokens": "Float64"})


def sample_warnings(
    table: pd.DataFrame, facts: Mapping[tuple[str, str], Mapping[str, Any]], max_tokens: int | None, overlong: str
) -> dict[tuple[str, str], list[str]]:
    """Returns benchmark and target -> warnings to give before training, with the strategies and their numbers.

    Args:
        table: of `sample_table`.
        facts: of `sppl.study.samples.samples_of`.
        max_tokens: of the training.
        overlong: what the training does with longer examples: `refuse` or `cut`.
    """
    found: dict[tuple[str, str], list[str]] = {}
    does = "their ends are cut off" if overlong == "cut" else "the training refuses them"
    for pair, fact in facts.items():
        part = table[(table["benchmark"] == pair[0]) & (table["target_model"] == pair[1])]
        told = []
        if long := _shares(part, "beyond_max_tokens"):
            told.append(
                f"Longer than training.max_tokens={max_tokens}, so {does} (training.overlong={overlong}): {long}."
            )
        if long := _shares(part, "beyond_context"):
            told.append(f"Longer than the {fact['context']} tokens that the target can read: {long}.")
        if wrong := _shares(part, "wrong", WRONG):
            told.append(f"Judged wrong: {wrong}.")
        told += [f"{name} cannot be trained on as it is: {why}" for name, why in fact["refused"].items()]
        right, asked = fact["own_answers"], fact["own_asked"]
        if right and not fact["own_note"] and right < FEW_OWN * asked:
            told.append(f"Few own answers are right, {right} of {asked}: the same few are shown again and again.")
        found[pair] = told
    return found


def _shares(part: pd.DataFrame, column: str, least: float = 0.0) -> str:
    """`name 3 of 50 (6 %)` of each strategy whose share is above `least`; empty where there is none."""
    rows = part[part[column].notna()]
    rows = rows[rows[column].astype(float) > least * rows["responses"].astype(float)]
    pairs = zip(rows["strategy"], rows[column].tolist(), rows["responses"].tolist(), strict=True)
    return ", ".join(f"{name} {count} of {n} ({100 * count / n:.0f} %)" for name, count, n in pairs)
