"""The four published beds give the figures their papers and the study of shortlists print."""

import pandas as pd
import pytest

from sppl.analysis.bed_checks import brier_scores, shipped_checks
from sppl.analysis.bed_table import bed_table, cases
from sppl.data.bed_files import read_bed

BEDS = ("paper_main", "paper_planbench", "rsr", "car")


@pytest.fixture(scope="module")
def every(root):
    return pd.concat([cases(read_bed(root / "experiments" / "beds" / name)) for name in BEDS], ignore_index=True)


@pytest.fixture(scope="module")
def table(every):
    return bed_table(every)


def test_the_table_is_the_expected_one(table, root):
    assert table.to_csv(index=False, float_format="%.4f") == (root / "experiments/beds/expected.csv").read_text()


def test_the_rank_surprisal_ratio_correlates_as_its_paper_prints(every):
    rows = every[(every["bed"] == "rsr") & (every["selector"] == "rank_surprisal_ratio")]
    found = dict(zip(rows["target_model"], rows["spearman"].round(3), strict=True))
    printed = {
        "Qwen-3-14B": 0.855,
        "LLaMA-3.1-8B": 0.845,
        "Qwen-2.5-7B": 0.916,
        "Qwen-3-4B": 0.829,
        "Qwen-2.5-3B": 0.815,
    }
    assert found == printed


@pytest.mark.parametrize(
    ("selector", "main", "planbench"),
    [
        ("sppl_n2", 0.95, 3.40),
        ("2 best by sppl_n2, piloted", 0.72, 0.65),
        ("3 best by sppl_n2, trained once", 0.86, 0.22),
        ("train all once", 1.03, 0.75),
        ("perplexity", 0.99, 7.57),
    ],
)
def test_the_papers_beds_give_the_known_regrets(table, selector, main, planbench):
    regret = table.set_index(["bed", "selector"])["regret"]
    assert f"{100 * regret['paper_main', selector]:.2f}" == f"{main:.2f}"
    assert f"{100 * regret['paper_planbench', selector]:.2f}" == f"{planbench:.2f}"


@pytest.mark.parametrize(
    ("bed", "selector", "points"),
    [
        ("rsr", "random", 5.90),
        ("rsr", "perplexity", 6.34),
        ("rsr", "grace", 2.52),
        ("rsr", "rank_surprisal_ratio", 0.60),
        ("rsr", "longest responses", 0.34),
        ("rsr", "best of other targets", 0.34),
        ("car", "random", 5.53),
        ("car", "best of other targets", 0.52),
    ],
)
def test_the_other_beds_give_the_known_regrets(table, bed, selector, points):
    regret = table.set_index(["bed", "selector"])["regret"]
    assert f"{100 * regret[bed, selector]:.2f}" == f"{points:.2f}"


def test_brier_scores_are_those_that_statements_of_chance_were_checked_by(root):
    found = brier_scores([read_bed(root / "experiments" / "beds" / name) for name in BEDS])
    shipped_scores = {
        (bed, metric): (one["brier"], one["coin"])
        for bed, facts in shipped_checks().items()
        for metric, one in facts["chances"].items()
    }
    assert {(row.bed, row.selector): (row.brier, row.brier_coin) for row in found.itertuples()} == shipped_scores
