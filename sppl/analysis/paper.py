"""Makes the tables of arXiv 2502.11779 from records, as printed, and compares them with the published ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sppl.analysis.blocks import BEST, average_blocks, average_strategies, judge_slices
from sppl.analysis.conventions import PAPER, SIX, Conventions
from sppl.analysis.resampling import RankedMetric

MAIN = (
    *("gsm8k", "math_algebra", "mmlu", "winogrande", "piqa", "agieval", "squad", "ecqa", "boolq", "arc_challenge"),
    *("mmlu_pro_law", "drop", "hellaswag", "mbpp", "mmlu_moral_scenarios", "math_geometry", "api_bank"),
)
PLANBENCH = tuple(
    f"plan_bench_{name}"
    for name in ("generation", "optimality", "generalization", "reuse", "replaning", "verification")
)
"""Tasks in the order of the records: means are summed in it, which decides how an exact half is rounded."""
TARGETS = {"mistral_7b": "mistral", "llama3_8b": "llama_3_instruct", "qwen2_5_7b": "qwen"}
METHODS = {BEST: "Upper bound", "reward": "skywork", "car": "CAR", "ifd": "IDF", "perplexity": "perplexity"}
OURS = "sppl_n2"
WRITERS = {
    "step_by_step": "Step-by-step",
    "gpt4_examples": "GPT-4 ICL examples",
    "human_examples": "Human examples",
    "mini_gpt4": "Mini-GPT-4",
    "gpt4": "GPT-4",
    "claude": "Claude",
}


@dataclass(frozen=True)
class RecordedMetric:
    """A metric of the records: a strategy's value is the mean of the recorded values."""

    name: str
    higher_is_better: bool | None = False

    def aggregate(self, scores: pd.DataFrame) -> float:
        """Returns the arithmetic mean of `value`."""
        return float(scores["value"].to_numpy().mean())


RECORDED = (
    RecordedMetric("reward", higher_is_better=True),
    RecordedMetric("car", higher_is_better=True),
    RecordedMetric("ifd"),
    RecordedMetric("perplexity"),
    RecordedMetric(OURS),
)
"""The metrics of the published tables, in their order."""


def main_outcomes(outcomes: pd.DataFrame, setup: str = "epochs=20, learning_rate=2e-05, n_train=1000") -> pd.DataFrame:
    """Returns the recorded runs behind the main tables: 17 tasks, 3 targets."""
    return _runs(outcomes, MAIN, setup)


def planbench_outcomes(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Returns the recorded runs behind the PlanBench tables: 6 tasks, 3 targets, 40 epochs."""
    return _runs(outcomes, PLANBENCH, "epochs=40, learning_rate=2e-05, n_train=1000")


def _runs(outcomes: pd.DataFrame, tasks: Sequence[str], setup: str) -> pd.DataFrame:
    return outcomes[(outcomes["kind"] == "core") & (outcomes["setup"] == setup) & outcomes["benchmark"].isin(tasks)]


def paper_tables(
    scores: pd.DataFrame,
    outcomes: pd.DataFrame,
    metrics: Sequence[RankedMetric] = RECORDED,
    conventions: Conventions = PAPER,
) -> dict[str, pd.DataFrame]:
    """Returns `metrics_main`, `strategies_main`, `metrics_planbench`, `strategies_planbench` as printed (strings).

    Args:
        scores: the recorded scores.
        outcomes: the recorded outcomes.
        metrics: rows of the tables; the last is the paper's own (`Ours`).
        conventions: `PAPER` for the published figures, `SOUND` for the same tables on sound conventions.
    """
    tables = {}
    for name, runs in (("main", main_outcomes(outcomes)), ("planbench", planbench_outcomes(outcomes))):
        place = {task: at for at, task in enumerate([*MAIN, *PLANBENCH])}
        table = judge_slices(scores, runs, metrics, conventions)
        table = table.sort_values("benchmark", key=lambda column: column.map(place), kind="stable")
        ranked = average_blocks(table)
        fixed = average_strategies(table, runs, SIX, conventions)
        own = {metrics[-1].name: "Ours"}
        tables[f"metrics_{name}"] = _printed(ranked, METHODS | own, [("Perplexity", ["perplexity"])])
        rows = pd.concat([ranked[ranked["method"].isin([BEST, *own])], fixed])
        differences = [("Claude", ["claude"]), ("Avg of Others", list(WRITERS))]
        printed = _printed(rows, {BEST: METHODS[BEST]} | WRITERS | own, differences)
        tables[f"strategies_{name}"] = printed.drop(columns="weighted_spearman")
    return tables


def _printed(rows: pd.DataFrame, labels: Mapping[str, str], differences: list[tuple[str, list[str]]]) -> pd.DataFrame:
    """Rows in the order of the labels, accuracies in percent, and the last row's gain over others."""
    columns = {**TARGETS, "accuracy": "avg_acc"}
    own = list(labels)[-1]
    printed = []
    for block, part in rows.groupby("block", sort=False):
        values = part.set_index("method")
        found = {m: {c: 100 * float(x) for c, x in row.items()} for m, row in values[[*columns]].iterrows()}
        rho = {str(method): float(x) for method, x in values["weighted_spearman"].items()}
        for method, label in labels.items():
            n_pairs = str(values.loc[method, "n_pairs"]) if method == BEST else ""
            cells = {columns[c]: _rounded(found[method][c], 2) for c in columns}
            last = "" if pd.isna(rho[method]) else _rounded(rho[method], 3)
            printed.append({"block": block, "method": label, "n_pairs": n_pairs} | cells | {"weighted_spearman": last})
        for label, others in differences:
            gain = {c: found[own][c] - sum(found[other][c] for other in others) / len(others) for c in columns}
            cells = {columns[c]: _signed(gain[c], 2) for c in columns}
            behind = rho[own] - sum(rho[other] for other in others) / len(others)
            last = "" if pd.isna(behind) else _signed(behind, 3)
            key = {"block": block, "method": f"Ours - {label}", "n_pairs": ""}
            printed.append(key | cells | {"weighted_spearman": last})
    return pd.DataFrame(printed)


def _rounded(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}"


def _signed(value: float, decimals: int) -> str:
    text = _rounded(value, decimals)
    if float(text) == 0:
        return text.removeprefix("-")
    return text if text.startswith("-") else "+" + text


def compare_figures(published: pd.DataFrame, made: pd.DataFrame) -> pd.DataFrame:
    """Returns per published figure `block`, `method`, `column`, `published`, `made`, `match`, `difference`.

    Raises:
        ValueError: the tables have different rows or columns.
    """
    key = ["block", "method"]
    if list(published.columns) != list(made.columns) or not published[key].equals(made[key]):
        raise ValueError(f"the made table has {made.shape} cells in another order than the published {published.shape}")
    old, new = (frame.melt(key, var_name="column", value_name="figure") for frame in (published, made))
    cells = old.rename(columns={"figure": "published"}).assign(made=new["figure"])
    cells = cells[cells["published"] != ""].reset_index(drop=True)
    difference = (cells["made"].astype(float) - cells["published"].astype(float)).round(6)
    return cells.assign(match=cells["made"] == cells["published"], difference=difference)


def match_line(cells: pd.DataFrame) -> str:
    """Returns the comparison in one sentence: how many figures match, differ by tie order, or differ otherwise."""
    tied, off = is_tie_order(cells), ~cells["match"]
    text = f"{len(cells) - off.sum()} of {len(cells)} published cells match, {tied.sum()} differ by tie order"
    other = cells[off & ~tied]
    named = [f"{c.block} {c.method} {c.column}: {c.made}, published {c.published}" for c in other.itertuples()]
    return text + (f", {len(other)} do not match: " + "; ".join(named) if named else "")


def is_tie_order(cells: pd.DataFrame, limit: float = 0.005) -> pd.Series:
    """Returns, per figure, whether it is off by at most `limit`, as with the tied scores of CAR and IFD."""
    tied = cells["method"].isin(["CAR", "IDF"]) & (cells["column"] == "weighted_spearman")
    return ~cells["match"] & tied & (cells["difference"].abs() <= limit)
