"""Training on equal tokens: `n_train_tokens` takes the first responses of each strategy that have no more together."""

import pandas as pd
import pytest

from sppl.lab.source import LabQuestions
from sppl.models.target import TargetModel
from sppl.schemas import Question, UserError
from sppl.stages.report import report
from sppl.training.training_examples import encode_examples, first_tokens

TARGET = TargetModel("lab", "sppl/lab/checkpoint")
PAIRS = [(Question(f"q{at}", "How many plums?", "7"), text) for at, text in enumerate(["7", "3 + 4 = 7.", "It is 7."])]


@pytest.fixture(autouse=True)
def _here(monkeypatch, root):
    monkeypatch.chdir(root)


def tokens(n: int) -> int:
    return sum(len(one.learnt) for one in encode_examples(TARGET, PAIRS[:n], "gpt4"))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_exactly_the_budget_is_within_it_and_one_token_less_is_one_response_less(n):
    assert first_tokens(TARGET, PAIRS, "gpt4", tokens(n)) == PAIRS[:n]
    if n > 1:
        assert first_tokens(TARGET, PAIRS, "gpt4", tokens(n) - 1) == PAIRS[: n - 1]


def test_fewer_tokens_than_asked_for_are_refused_with_what_there_is():
    with pytest.raises(UserError, match=rf"3 responses of gpt4 have {tokens(3)} tokens.*n_train_tokens={tokens(3)} or"):
        first_tokens(TARGET, PAIRS, "gpt4", tokens(3) + 1)


def test_a_budget_below_the_first_response_is_refused():
    with pytest.raises(UserError, match=r"n_train_tokens=1 is less than the first response of gpt4 has"):
        first_tokens(TARGET, PAIRS, "gpt4", 1)


@pytest.mark.parametrize("most", [0, -5, 2.5, True, "all"])
def test_a_budget_that_is_no_count_is_refused(most):
    with pytest.raises(UserError, match="is not a whole number above 0"):
        first_tokens(TARGET, PAIRS, "gpt4", most)


def test_strategies_are_trained_on_equal_tokens_and_the_report_shows_both_sizes(stage, store, tmp_path):
    budget = 400
    words = ("strategy=[gpt4,gold_label]", f"n_train_tokens={budget}", "n_train=all")
    stage("finetune", store, *words)
    plan = stage("benchmark", store, *words)
    results = [name for name in (*plan.found, *plan.to_make) if name.startswith("results/")]
    report(
        name="equal", folder=str(tmp_path), metric={}, conventions="default", rankings=[], results=results, store=store
    )
    sizes = pd.read_csv(tmp_path / "trained_on.csv").set_index("strategy")
    assert set(sizes.index) == {"gpt4", "gold_label"}
    assert (sizes["tokens"] <= budget).all()
    assert (sizes["tokens"] > budget - sizes["tokens per response"] * 3).all()
    assert sizes.loc["gold_label", "responses"] > sizes.loc["gpt4", "responses"]
    assert len(pd.read_csv(tmp_path / "table.csv").query("strategy != 'untrained'")) == 2  # one set-up for both


def test_a_budget_is_in_the_adapters_name_by_the_responses_that_it_leaves(stage, store):
    words = ("strategy=[gpt4]", "n_train=8")
    (every,) = stage("finetune", store, *words).to_make
    (few,) = stage("finetune", store, *words, "n_train_tokens=150", dry=True).to_make
    assert few.startswith("adapters/lab/lab/gpt4/seed0-")
    assert few != every
    (folder,) = store.artifacts("responses", "lab", "*")
    told = dict(store.read(folder)[["question_id", "response"]].to_numpy())
    asked = LabQuestions().questions("train", 8)
    most = sum(len(one.learnt) for one in encode_examples(TARGET, [(one, told[one.id]) for one in asked], "gpt4"))
    assert stage("finetune", store, *words, f"n_train_tokens={most}", dry=True).found == (every,)
