"""Makes `records/` from the folder of source tables described in README.md.

    python experiments/paper/import_records.py SOURCE_TABLES

`records/` is a store like any other: one artifact of scores, one of outcomes, each with its provenance.
"""

import logging
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from sppl.artifacts.provenance import content_digest
from sppl.artifacts.store import Store

SOURCE = {"repository": "XuanRen4470/SPPL", "commit": "48d727e78"}
RECORDS = Path(__file__).parent / "records"
STRATEGY = {
    "gpt4_style_in_context_examples": "gpt4_examples",
    "openai_human_written_examples": "human_examples",
    "rewrite_groundtruth_in_own_words": "rewrite",
    "mistral_self_generated": "mistral_7b_self_generated",
    "llama_3_instruct_self_generated": "llama3_8b_self_generated",
    "qwen_self_generated": "qwen2_5_7b_self_generated",
    "claude_rewrite_groundtruth_in_own_words": "claude_rewrite",
    "mini_gpt4_rewrite_groundtruth_in_own_words": "mini_gpt4_rewrite",
}
TARGET = {"mistral": "mistral_7b", "llama_3_instruct": "llama3_8b", "qwen": "qwen2_5_7b"}
METRIC = {"ppl": "perplexity", "skywork": "reward", "log_prob": "log_probability", "tokens": "length"}
N_TEST = {
    **dict.fromkeys(["gsm8k", "winogrande", "piqa", "squad", "ecqa", "boolq", "arc_challenge", "hellaswag"], 1000),
    **{"math_algebra": 752, "math_geometry": 237, "mmlu": 509, "mmlu_moral_scenarios": 300, "mmlu_pro_law": 301},
    **{"agieval": 200, "drop": 500, "mbpp": 300, "api_bank": 245, "plan_bench_verification": 250},
    **{
        f"plan_bench_{t}": 200
        for t in ("generation", "optimality", "generalization", "reuse", "replaning", "execution")
    },
}
"""Test questions behind an accuracy; every `core` accuracy is a multiple of one over it (checked below)."""
KEY = ["benchmark", "target_model", "strategy", "metric", "example_id", "start", "end"]
log = logging.getLogger("import_records")


def renamed(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.rename(columns={"model": "target_model", "task": "benchmark"})
    frame["strategy"] = frame["strategy"].replace(STRATEGY)
    if "target_model" in frame:
        frame["target_model"] = frame["target_model"].replace(TARGET)
    return frame


def slice_means(source: Path) -> pd.DataFrame:
    """Means of slices; those of SPPL with 2 and 3 examples follow from the examples and are left out."""
    cleaned = pd.read_csv(source / "scores_mean_cleaned_step_by_step.csv").assign(strategy="step_by_step_cleaned")
    main = pd.concat([pd.read_csv(source / "scores_mean.csv"), cleaned])
    main = main[main["metric"] != "sppl"]
    frame = renamed(pd.concat([main, pd.read_csv(source / "scores_mean_ablation.csv")], ignore_index=True))
    # The ablation folder holds the cleaned text of step_by_step only.
    ablation = frame["metric"].isin(["sppl", "sppl_unfiltered"]) & (frame["strategy"] == "step_by_step")
    frame.loc[ablation, "strategy"] = "step_by_step_cleaned"
    n = frame["n_in_context"].fillna(0).astype(int).astype(str)
    suffix = frame["metric"].map({"sppl": "", "sppl_unfiltered": "_unfiltered"})
    frame["metric"] = ("sppl_n" + n + suffix).where(suffix.notna(), frame["metric"].replace(METRIC))
    beyond = ~np.isfinite(frame["value"])
    log.info("%d slice means are infinite (slices past the end of a data set, all of ifd): left out", beyond.sum())
    return frame[~beyond].assign(example_id=None)[[*KEY, "value"]]


def examples(source: Path) -> pd.DataFrame:
    extra = pd.read_csv(source / "sppl_examples_extra.csv.gz")
    cleaned = extra[extra["variant"] == "cleaned_step_by_step"].assign(strategy="step_by_step_cleaned")
    sppl = renamed(pd.concat([pd.read_csv(source / "sppl_examples.csv.gz"), cleaned], ignore_index=True))
    sppl = sppl.assign(metric="sppl_n" + sppl["n_in_context"].astype(str), value=sppl["perplexity"])
    reward = renamed(pd.read_csv(source / "reward_examples.csv.gz")).rename(columns={"reward": "value"})
    rewards = [reward.assign(target_model=target, metric="reward") for target in TARGET.values()]
    frame = pd.concat([sppl, *rewards], ignore_index=True)
    frame["example_id"] = frame["index"].map("{:03}".format)
    return frame.assign(start=None, end=None)[[*KEY, "value"]]


def all_outcomes(source: Path) -> pd.DataFrame:
    frame = renamed(pd.read_csv(source / "outcomes.csv"))
    frame = frame[frame["kind"] != "smoke_test"]
    numbers = [frame[name].map(form.format) for name, form in (("epochs", "{:g}"), ("n_train", "{}"))]
    rate = frame["learning_rate"].map("{:g}".format)
    frame["setup"] = "epochs=" + numbers[0] + ", learning_rate=" + rate + ", n_train=" + numbers[1]
    frame["n_test"] = frame["benchmark"].map(N_TEST).where(frame["kind"] == "core").astype("Int64")
    right = (frame["accuracy"] * frame["n_test"]).astype("Float64")
    assert ((right - right.round()).abs().dropna() < 0.15).all(), "n_test does not fit an accuracy"
    columns = ["benchmark", "target_model", "strategy", "setup", "seed", "accuracy", "n_test", "kind"]
    return frame[columns].sort_values(columns[:5], ignore_index=True)


def main(source: Path) -> None:
    store = Store(str(RECORDS))
    inputs = {file.name: content_digest(file) for file in sorted(source.glob("*.csv*"))}
    for kind, make in (
        ("scores", lambda: pd.concat([slice_means(source), examples(source)])),
        ("outcomes", lambda: all_outcomes(source)),
    ):
        start, artifact = time.monotonic(), store.artifact_id(kind, settings=SOURCE)
        frame = make()
        if kind == "scores":
            frame = frame.astype({"example_id": "str", "start": "Int64", "end": "Int64"}).sort_values(KEY)
        store.write(artifact, frame, inputs, time.monotonic() - start, source=SOURCE)


if __name__ == "__main__":
    logging.basicConfig(level="INFO", format="%(message)s")
    main(Path(sys.argv[1]))
