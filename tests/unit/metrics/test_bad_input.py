"""What a metric is given and cannot use: who is named, and how to go on."""

from pathlib import Path

import pytest

from sppl.analysis.resampling import value_of
from sppl.metrics.aslec_casl import AslecCasl
from sppl.metrics.aslec_drop import AslecDrop
from sppl.metrics.grace import Grace
from sppl.metrics.grape import Grape
from sppl.metrics.ifd import InstructionFollowingDifficulty
from sppl.metrics.length import Length
from sppl.metrics.local_naturalness import LocalNaturalness
from sppl.metrics.needs import TokenStats, table_needs
from sppl.metrics.rank_average import RankAverage
from sppl.metrics.rank_surprisal_ratio import RankSurprisalRatio
from sppl.metrics.scas import StudentCentricScore
from sppl.metrics.train_then_test import TrainThenTest
from sppl.prompts import GivenQuestion, StepWise
from sppl.schemas import UserError
from tests.unit.metrics.tables import load, table, values

CASES = Path(__file__).with_name("cases")


def test_ifd_names_a_response_that_has_no_token_to_score_alone():
    _, metric, tables = load(CASES / "ifd.json")
    alone = metric.needs()[1]
    tables[alone] = tables[alone][tables[alone]["example_id"] == "a"]
    with pytest.raises(UserError, match=r"ifd: 1 responses have one token only.*b of gpt4"):
        metric.per_example(tables)


def test_ifd_of_losses_names_a_response_that_costs_nothing_alone():
    metric = InstructionFollowingDifficulty()
    given, alone = metric.needs()
    tables = {given: table({"a": [-1.0]}), alone: table({"a": [0.0]})}
    with pytest.raises(UserError, match="a of gpt4"):
        metric.per_example(tables)
    of_perplexities = InstructionFollowingDifficulty(of="perplexities")
    assert values(of_perplexities, tables)["a"] == pytest.approx(2.718281828)


def test_a_response_certain_to_the_last_token_has_a_finite_ratio_of_rank_and_surprisal():
    metric = RankSurprisalRatio()
    (need,) = metric.needs()
    frame = metric.per_example({need: table({"a": [0.0, 0.0]})})
    assert 0 < frame["value"][0] < 1e8
    assert 0 < value_of(metric, frame) < 1e8


def test_aslec_drop_names_a_response_of_which_nothing_is_left():
    metric = AslecDrop(2)
    (need,) = metric.needs()
    rows = {"a": {"logprob": [-1.0] * 3, "step": [0, 0, 0]}, "b": {"logprob": [-1.0] * 3, "step": [0, 0, 1]}}
    with pytest.raises(UserError, match=r"aslec_drop_h2: 1 responses have no step of more than 2 tokens.*b of gpt4"):
        metric.per_example({need: table(rows)})


def test_grace_of_a_single_example_is_refused_for_one_has_to_be_held_out():
    _, metric, tables = load(CASES / "grace.json")
    one = {need: frame[frame["example_id"] == "a"] for need, frame in tables.items()}
    with pytest.raises(UserError, match="grace: gpt4 has one example"):
        metric.per_example(one)


def test_a_gradient_of_zero_has_the_smallest_value():
    _, metric, _ = load(CASES / "grace.json")
    rows = {"a": [0.0, 0.0], "b": [1.0, 0.0], "c": [0.0, 1.0]}
    given = {name: {"dimension": [0, 1], "value": value} for name, value in rows.items()}
    found = values(metric, {metric.needs()[0]: table(given)})
    assert found["a"] == 0
    assert min(found["b"], found["c"]) > 0


@pytest.mark.parametrize("steps", [[0, 1, 2], [0, 0, 0]], ids=["heads only", "no further step"])
def test_aslec_casl_of_responses_alike_in_their_steps_is_the_mean_log_probability(steps):
    metric = AslecCasl(1)
    rows = {"a": {"logprob": [-1.0, -2.0, -3.0], "step": steps}, "b": {"logprob": [-5.0] * 3, "step": steps}}
    tables = {table_needs([metric])[0]: table(rows)}
    assert values(metric, tables) == pytest.approx({"a": -2.0, "b": -5.0})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: RankSurprisalRatio(clip=0), "clip=0"),
        (lambda: AslecDrop(0), "n_heads=0"),
        (lambda: AslecCasl(-1), "n_heads=-1"),
        (lambda: LocalNaturalness(-1), "window=-1"),
        (lambda: StepWise(-2), "window=-2"),
        (lambda: InstructionFollowingDifficulty(of="ratios"), "losses.*perplexities.*'ratios'"),  # type: ignore[arg-type]
        (lambda: TokenStats(GivenQuestion(), ("entropi",)), "entropi; there are entropy"),
        (lambda: RankAverage([Grape(), Length()]), "length has no direction"),
        (lambda: RankAverage([Grape()]), "two or more different metrics, got grape"),
        (lambda: RankAverage([Grape(), Grape()]), "two or more different metrics, got grape, grape"),
        (lambda: RankAverage([]), "got none"),
        (lambda: RankAverage([Grape(), TrainThenTest(None)]), "train_then_test_n100 has values of test questions"),
        (lambda: StudentCentricScore(question_weight=1.5), "share of 0 to 1, got 1.5"),
        (lambda: Grace(n_splits=1), "n_splits=1"),
        (lambda: Grace(smoothing=0), "smoothing=0"),
        (lambda: Grace(layers=[]), r"layers=\[\]"),
        (lambda: Grace(dim=0), "dim=0"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_with_what_was_given(make, said):
    with pytest.raises(ValueError, match=said):
        make()
