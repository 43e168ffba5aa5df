"""The parts of a report: what a sweep ranked apart for the same benchmark and target, told apart by its settings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pandas as pd

WITH = " with "
"""Between the name of a benchmark and the settings of a part."""
T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """Rankings, results and shortlists that belong together; all of a report where nothing was ranked apart.

    Args:
        settings: what tells them from other parts, as typed (`n_score=10`); none where nothing has to.
        rankings, results, shortlists: names of the artifacts.
        own_data: where the questions come from.
    """

    settings: tuple[str, ...] = ()
    rankings: Sequence[str] = ()
    results: Sequence[str] = ()
    shortlists: Sequence[str] = ()
    own_data: object = None

    def name(self, benchmark: str) -> str:
        """Returns the benchmark's name with the settings, as tables show it."""
        return f"{benchmark}{WITH}{', '.join(self.settings)}" if self.settings else benchmark

    def mark(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Returns a table whose benchmarks are named with the settings."""
        if not self.settings or "benchmark" not in frame:
            return frame
        return frame.assign(benchmark=[self.name(str(one)) for one in frame["benchmark"]])

    def mark_pairs(self, found: Mapping[tuple[str, str], T]) -> dict[tuple[str, str], T]:
        """Returns what is known per benchmark and target, the benchmarks named with the settings."""
        return {(self.name(benchmark), target): said for (benchmark, target), said in found.items()}

    def command(self, typed: Sequence[str]) -> list[str]:
        """Returns the typed words with this part's values in the place of a sweep's."""
        own = {_key(word): word for word in self.settings}
        return [own.get(_key(word), word) if "=" in word else word for word in typed]


def read_parts(parts: Sequence[Part], read: Callable[[Part], pd.DataFrame]) -> pd.DataFrame:
    """Returns what is read of each part as one table, marked with the part's settings."""
    return join_parts(parts, [read(part) for part in parts])


def join_parts(parts: Sequence[Part], read: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Returns the tables of the parts as one, marked with their settings."""
    frames = [part.mark(frame) for part, frame in zip(parts, read, strict=True)]
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if len(filled) > 1 else (filled or frames)[0]


def read_once(parts: Sequence[Part], read: Callable[[Part], pd.DataFrame], column: str) -> pd.DataFrame:
    """Returns what is read of each part as one table; where parts differ, a column is marked with the settings."""
    frames = [read(part) for part in parts]
    if all(frame.equals(frames[0]) for frame in frames):
        return frames[0]
    named = [
        frame.assign(**{column: [part.name(str(one)) for one in frame[column]]})
        for part, frame in zip(parts, frames, strict=True)
    ]
    return pd.concat(named, ignore_index=True)


def part_of(benchmark: str, parts: Sequence[Part]) -> tuple[str, Part]:
    """Returns the benchmark's own name and the part, of a name that `Part.name` made."""
    for part in parts:
        end = part.name("")
        if end and benchmark.endswith(end):
            return benchmark.removesuffix(end), part
    return benchmark, Part()


def _key(word: str) -> str:
    return word.partition("=")[0].lstrip("+~")
