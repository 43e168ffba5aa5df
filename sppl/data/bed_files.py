"""Reads a test bed from its folder (`scores.csv`, `outcomes.csv`, `source.md`), every fault in one report."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from sppl.analysis.bed import HIGHER, SCORE_COLUMNS, Bed
from sppl.analysis.checks import PAIR
from sppl.data.problems import Problem, refuse_problems, shorten
from sppl.schemas import UserError

OUTCOME_COLUMNS = [*PAIR, "strategy", "seed", "accuracy"]
FILES = ("scores.csv", "outcomes.csv", "source.md")
BED_ADVICE = "docs/beds.md says what the files of a bed hold."


def read_bed(folder: Path) -> Bed:
    """Returns the bed of a folder, named like the folder.

    Raises:
        UserError: a file or a column is missing, a value is not allowed, a key comes twice, a name is written in two
            ways, or a direction changes. All faults are in one message.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise UserError(
            f"{folder} is no bed: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing; a bed is a "
            f"folder with {', '.join(FILES)} (a bed without metrics has the first line of scores.csv alone). "
            f"{BED_ADVICE}"
        )
    scores, outcomes = (_table(folder / name) for name in FILES[:2])
    refuse_problems(
        [
            *_faults(scores, "scores.csv", SCORE_COLUMNS, "value"),
            *_faults(outcomes, "outcomes.csv", OUTCOME_COLUMNS, "accuracy"),
            *_of_scores(scores),
            *_of_outcomes(outcomes),
            *_spellings(scores, outcomes),
        ],
        BED_ADVICE,
    )
    scores = scores.assign(value=pd.to_numeric(scores["value"]).astype(float))
    numbers = {name: pd.to_numeric(outcomes[name]) for name in ("seed", "accuracy", "n_test", "parameters")
               if name in outcomes}  # fmt: skip
    outcomes = outcomes.assign(setup="", **numbers).astype({"seed": "int64", "accuracy": float})
    return Bed(folder.name, scores, outcomes, (folder / "source.md").read_text(encoding="utf-8"))


def _table(path: Path) -> pd.DataFrame:
    """The table with every cell as text, indexed by the lines of the file."""
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:
        raise UserError(f"{path} cannot be read as a table ({error}). {BED_ADVICE}") from None
    return frame.set_axis(range(2, len(frame) + 2), axis=0)


def _faults(frame: pd.DataFrame, file: str, columns: list[str], number: str) -> Iterator[Problem]:
    """Yields missing columns, empty cells, values that are no numbers, and keys that come twice."""
    lacking = [name for name in columns if name not in frame]
    if lacking:
        there = ", ".join(map(str, frame.columns)) or "none"
        yield Problem(file, f"no column {', '.join(lacking)} (there are: {there})", line=1)
        return
    for name in columns:
        yield from (
            Problem(file, "it is empty", line=line, field=name) for line in frame.index[frame[name].str.strip() == ""]
        )
    whole = ["seed"] if "seed" in columns else []
    for name in [number, *whole]:
        values = pd.to_numeric(frame[name], errors="coerce")
        wrong = ~values.abs().lt(float("inf")) | (values % 1 != 0 if name in whole else False)
        for line in frame.index[wrong & (frame[name].str.strip() != "")]:
            kind = "whole number" if name in whole else "finite number"
            yield Problem(file, f"{shorten(frame.at[line, name])} is no {kind}", line=line, field=name)
    key = [name for name in columns if name not in (number, "direction")]
    for line in frame.index[frame.duplicated(key)]:
        told = " / ".join(str(frame.at[line, name]) for name in key)
        yield Problem(file, f"{told} comes a second time", line=line)


def _of_outcomes(frame: pd.DataFrame) -> Iterator[Problem]:
    """Yields accuracies that are no fractions; percentages are reported once, with their number."""
    if "accuracy" not in frame:
        return
    values = pd.to_numeric(frame["accuracy"], errors="coerce")
    wrong = frame.index[(values < 0) | (values > 1)]
    if len(wrong):
        told = f"{len(wrong)} of {len(frame)} accuracies are not between 0 and 1"
        hint = "are they percent? Divide them by 100" if (values[wrong] > 1).all() else "an accuracy is a fraction"
        yield Problem(
            "outcomes.csv", f"{told}, the first is {values[wrong[0]]:g}: {hint}", int(wrong[0]), None, "accuracy"
        )


def _of_scores(frame: pd.DataFrame) -> Iterator[Problem]:
    """Yields directions that are unknown, or differ within a metric."""
    if not {"metric", "direction"} <= set(frame):
        return
    for line in frame.index[~frame["direction"].isin(list(HIGHER)) & (frame["direction"].str.strip() != "")]:
        what = f"{shorten(frame.at[line, 'direction'])}: there are {', '.join(HIGHER)}"
        yield Problem("scores.csv", what, line=line, field="direction")
    for metric, directions in frame.groupby("metric")["direction"].unique().items():
        if len(directions) > 1:
            yield Problem("scores.csv", f"{metric} has several directions: {', '.join(directions)}", field="direction")


def _spellings(scores: pd.DataFrame, outcomes: pd.DataFrame) -> Iterator[Problem]:
    """Yields names that differ only in case or in surrounding space, which most likely mean the same."""
    for column in ("benchmark", "target_model", "strategy", "metric"):
        found: dict[str, dict[str, str]] = {}
        for file, frame in (("outcomes.csv", outcomes), ("scores.csv", scores)):
            for name in frame[column].unique() if column in frame else ():
                found.setdefault(name.strip().casefold(), {}).setdefault(name, file)
        for ways in found.values():
            if len(ways) > 1:
                told = ", ".join(f"{name!r} in {file}" for name, file in sorted(ways.items()))
                yield Problem(next(iter(ways.values())), f"one name is written in several ways: {told}", field=column)
