"""Tables as csv, Markdown and LaTeX."""

from pathlib import Path

import pandas as pd

KEYS = ("benchmark", "target_model", "strategy", "metric", "direction", "picked", "runner_up", "note", "source")
KEYS += ("block", "method", "spearman_interval", "bed", "selector")
MISSING = "n/a"


def write_tables(folder: Path, rows: pd.DataFrame, judged: pd.DataFrame) -> None:
    """Writes `table` and `metrics` as csv (full precision), md and tex (as shown)."""
    for name, frame in (("table", rows), ("metrics", judged)):
        write_table(folder, name, frame)


def write_table(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """Writes one table as csv, md and tex."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {".csv": frame.to_csv(index=False, na_rep=""), ".md": markdown(frame), ".tex": latex(frame)}
    for suffix, text in texts.items():
        temporary = folder / f".{name}{suffix}.tmp"
        temporary.write_text(text)
        temporary.replace(folder / f"{name}{suffix}")


def write_csv(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """Writes one more table, `<name>.csv`."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{name}.csv.tmp"
    temporary.write_text(frame.to_csv(index=False, na_rep=""))
    temporary.replace(folder / f"{name}.csv")


def shown(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame as text: three decimals, ranks without needless ones, `n/a` where there is no value."""
    return pd.DataFrame({column: [cell(value) for value in frame[column]] for column in frame})


def cell(value: object) -> str:
    """One value as a person reads it."""
    if value is None or value is pd.NA or value != value:
        return MISSING
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 1000 else f"{value:.4g}"
    return str(value)


def interval_heading(judged: pd.DataFrame) -> str:
    """How intervals of correlations may be headed: by their level where all have one, else as an interval only."""
    told = [words for words in judged["spearman_interval"] if words]
    levels = {words.partition(":")[0] for words in told if "%" in words}
    return levels.pop() if len(levels) == 1 and all("%" in words for words in told) else "interval"


def interval_words(judged: pd.DataFrame) -> str:
    """What the intervals of correlations cover; empty where there is none."""
    told: dict[str, list[str]] = {}
    for metric, words in zip(judged["metric"], judged["spearman_interval"], strict=True):
        if words:
            told.setdefault(words, []).append(str(metric))
    every = [words + (f" ({', '.join(dict.fromkeys(who))})" if len(told) > 1 else "") for words, who in told.items()]
    return f"Interval of Spearman: {'; '.join(every)}" if every else ""


def markdown(frame: pd.DataFrame) -> str:
    """A GitHub table."""
    text = shown(frame)
    lines = [
        "| " + " | ".join(map(str, text)) + " |",
        "|" + "|".join("---" if name in KEYS else "---:" for name in text) + "|",
    ]
    lines += [
        "| " + " | ".join(value.replace("|", "\\|") for value in row) + " |" for row in text.itertuples(index=False)
    ]
    return "\n".join(lines) + "\n"


def latex(frame: pd.DataFrame) -> str:
    """A booktabs table."""
    text = shown(frame)
    columns = "".join("l" if name in KEYS else "r" for name in text)
    body = [" & ".join(_escape(value) for value in row) + r" \\" for row in text.itertuples(index=False)]
    head = " & ".join(_escape(str(name)) for name in text) + r" \\"
    lines = [
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    for mark in "&%$#_{}":
        text = text.replace(mark, "\\" + mark)
    return text
