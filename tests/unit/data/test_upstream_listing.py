"""Every task of a real checkout loads: all of its files, the strategies' and the others, cut to a few records each."""

import os
from pathlib import Path

import pandas as pd
import pytest
from hydra.utils import instantiate

from sppl.schemas import UserError
from tests.unit.test_configs import CONF, composed

LISTING = "SPPL_UPSTREAM_LISTING"
pytestmark = [
    pytest.mark.skipif(LISTING not in os.environ, reason=f"needs ${LISTING}, a checkout with every file of its tasks"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
MAIN = {"claude", "gpt4", "human_examples", "gpt4_examples"}
"""Strategies that every task has that has any."""
NO_TRAINING = {"plan_bench_replanning", "plan_bench_reuse"}
"""Their strategies' files are too large for this checkout."""
NO_TEST = {"boolq"}
"""The authors' test questions are their training questions."""
RECORDS = 24


def tasks():
    """The benchmarks whose task's folder is there, as they are configured."""
    there = {path.name for path in Path(os.environ[LISTING], "dataset").iterdir()}
    for path in sorted(CONF.glob("benchmark/*.yaml")):
        benchmark = composed(f"benchmark={path.stem}", f"data_dir={os.environ[LISTING]}").benchmark
        if "upstream" in benchmark.get("sources", {}) and benchmark.sources.upstream.questions.task in there:
            yield path.stem, instantiate(benchmark, _convert_="all")


def count(source, split):
    """How many questions a split has, or why it has none."""
    try:
        return len(source.questions(split))
    except UserError as error:
        return str(error)


class Named:
    def __init__(self, name, aliases):
        self.name, self.aliases = name, aliases


def test_every_task_of_a_checkout_loads_with_its_strategies_and_splits(shown):
    rows, wrong = {}, []
    for name, benchmark in tasks():
        source = benchmark.questions
        found = {split: count(source, split) for split in ("train", "test", "validation")}
        train = source.questions("train") if isinstance(found["train"], int) else []
        answered = source.answered() if train else {}
        rows[name] = {split: n if isinstance(n, int) else 0 for split, n in found.items()} | answered
        for strategy in answered:
            texts = benchmark.responses.respond(Named(strategy, source.strategies[strategy]), train)
            assert len(texts) == len(train)
            assert all(text.strip() for text in texts)
        wrong += [(name, split, n) for split, n in found.items() if not isinstance(n, int)]
        if name not in NO_TRAINING:
            assert set(answered) >= MAIN
        labels = source.wording.labels
        assert not labels or {question.answer for question in train} <= set(labels)
    table = pd.DataFrame.from_dict(rows, orient="index").astype("Int64")
    reasons = "\n".join(f"{name}: no {split}: {why}" for name, split, why in wrong if split != "validation")
    shown(f"{table.to_string(na_rep='-')}\n{reasons}")
    assert len(table) == 18
    assert {name for name, split, _ in wrong if split == "train"} == NO_TRAINING
    assert {name for name, split, _ in wrong if split == "test"} == NO_TEST
    assert (table["train"].drop(list(NO_TRAINING)) == RECORDS).all()
    repeated = RECORDS - table["test"].drop(list(NO_TEST))
    assert repeated[repeated > 0].to_dict() == {"mmlu_pro_law": 5}  # asked twice in the authors' file


def test_a_folder_below_a_tasks_is_a_task_of_its_own():
    task = "benchmark.sources.upstream.questions.task=PLAN_BENCH_REUSE/old"
    cfg = composed("benchmark=plan_bench_reuse", f"data_dir={os.environ[LISTING]}", task)
    source = instantiate(cfg.benchmark, _convert_="all").questions
    assert len(source.questions("train")) == RECORDS
    assert set(source.answered()) >= MAIN


def test_the_authors_own_splits_load_for_every_task_too():
    for name, benchmark in tasks():
        source = instantiate(
            composed(f"benchmark={name}", f"data_dir={os.environ[LISTING]}", "benchmark.splits=paper").benchmark,
            _convert_="all",
        ).questions
        assert benchmark.questions.task == source.task
        assert len(source.questions("test")) >= RECORDS - 5
        assert len(source.questions("validation")) >= RECORDS - 5
