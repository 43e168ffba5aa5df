"""Literal frames of a small report."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from sppl.analysis.confidence import confidence
from sppl.analysis.ranking import rank
from sppl.analysis.summary import metrics_table, strategies_table

HOSTILE = "<script>document.title='owned'</script>"
"""A strategy whose name would run, were it not escaped."""


HOSTILES = [
    *("</script><script>owned = 1</script>", "<img src=x onerror='owned = 1'>", '" onmouseover="owned = 1" x="'),
    *("<svg onload='owned = 1'>", "javascript:owned=1", "[x](javascript:owned=1)", "![x](http://127.0.0.1/x)"),
    *("<a href='javascript:owned=1'>x</a>", "--><b>", "]]>", "&lt;b&gt;", "<style>*{display:none}</style>", "${body}"),
    *("gpt4\u202e4tpg", "gpt\u200b4", "gpt4\u2066x\u2069", "gpt\u00ad4"),
    *(
        "\x1b]0;owned\x07",
        "\x1b[2J\x1b[31mred",
        "\x9b31mred",
        "a\x00b",
        "a\x08\x08b",
        "a\rb",
        "a\nb",
        "\x1b]8;;http://x\x07y",
    ),
    *("[red]x[/red]", "[/x]", "[link=http://x]y[/link]", ":smile:"),
    *("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1+1", " =1+1", "＝1+1", "=HYPERLINK(A1)"),
    *("\\input{/etc/passwd}", "$\\write18{x}$", "%comment", "a~b^c_d#e&f", "[1ex]", "*", "\\end{tabular}", "x" * 3000),
]
"""Names that would run, calculate, command or mislead, were they shown as anything but text."""


@dataclass(frozen=True)
class Mean:
    name: str
    higher_is_better: bool | None = False

    def aggregate(self, scores: pd.DataFrame) -> float:
        return float(scores["value"].mean())


def examples(metric: str, values: dict[str, list[float]], benchmark: str = "task") -> pd.DataFrame:
    rows = [
        {"strategy": name, "example_id": f"q{at}", "value": value}
        for name, found in values.items()
        for at, value in enumerate(found)
    ]
    return pd.DataFrame(rows).assign(benchmark=benchmark, target_model="tiny", metric=metric)


def slices(metric: str, values: dict[str, float], benchmark: str = "task") -> pd.DataFrame:
    rows = [{"strategy": name, "start": 0, "end": 300, "value": value} for name, value in values.items()]
    return pd.DataFrame(rows).assign(benchmark=benchmark, target_model="tiny", metric=metric)


def outcomes(reached: dict[str, float], benchmark: str = "task") -> pd.DataFrame:
    rows = [{"strategy": name, "accuracy": accuracy} for name, accuracy in reached.items()]
    same = {"benchmark": benchmark, "target_model": "tiny", "setup": "", "seed": 0, "n_test": 100}
    return pd.DataFrame(rows).assign(**same)


def report_of(scores: pd.DataFrame, reached: pd.DataFrame, metrics: list[Mean]) -> dict[str, Any]:
    """What `write_page` is given."""
    rankings = rank(scores, metrics)
    return {
        "rows": strategies_table(rankings, reached),
        "judged": metrics_table(rankings, reached, scores=scores, metrics=metrics),
        "rankings": rankings,
        "scores": scores,
        "chances": confidence(rankings),
    }


def one_task() -> dict[str, Any]:
    """Three strategies, one of them with a hostile name, by a calibrated metric and by one without direction."""
    values = {"gpt4": [1.0, 2.0, 3.0], "claude": [2.0, 3.0, 4.0], HOSTILE: [15.0, 16.0, 17.0]}
    lengths = {name: [9.0 + at] * 3 for at, name in enumerate(values)}
    scores = pd.concat([examples("sppl_n2", values), examples("length", lengths)], ignore_index=True)
    reached = outcomes({"gpt4": 0.9, "claude": 0.5, HOSTILE: 0.3, "untrained": 0.4})
    frames = report_of(scores, reached, [Mean("sppl_n2"), Mean("length", None)])
    frames["rows"]["source"] = ["simulated" if name == "gpt4" else "" for name in frames["rows"]["strategy"]]
    return frames


def hostile_names() -> dict[str, Any]:
    """As many strategies as there are hostile names, and two others."""
    names = ["gpt4", "claude", *HOSTILES]
    scores = examples("sppl_n2", {name: [1.0 + at, 2.0 + at, 3.0 + at] for at, name in enumerate(names)})
    reached = outcomes({name: 0.9 - at / 100 for at, name in enumerate(names)})
    return report_of(scores, reached, [Mean("sppl_n2")])


def many_tasks(n: int = 6) -> dict[str, Any]:
    """Tasks whose scores are slice means only; on the last, all accuracies are equal."""
    names = [f"task{at}" for at in range(n)]
    scores = pd.concat([slices("ifd", {"gpt4": 0.2, "claude": 0.3}, name) for name in names], ignore_index=True)
    reached = [outcomes({"gpt4": 0.6, "claude": 0.6 if name == names[-1] else 0.5}, name) for name in names]
    return report_of(scores, pd.concat(reached, ignore_index=True), [Mean("ifd")])
