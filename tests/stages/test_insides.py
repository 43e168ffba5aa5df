"""What is read inside the target, what pilots gave, and what cannot be read."""

import numpy as np
import pytest

from sppl.artifacts.store import MissingArtifact
from sppl.hardware.hardware import Hardware
from sppl.lab.source import LabQuestions
from sppl.metrics.needs import HiddenStates
from sppl.prompts import SelfAlignedPrompt
from sppl.schemas import UserError
from sppl.scoring.pool import Pool
from sppl.scoring.scoring_settings import Scoring
from sppl.tables.sample import Sample, TableOf, make_tables

pytestmark = pytest.mark.filterwarnings("default")
ONE = "strategy=[gpt4]"
PILOT = ["n_pilot=8", "metric=[train_then_test]"]


def test_hidden_states_and_gradients_are_artifacts_of_one_row_per_response_and_number(stage, made):
    plan = stage("score", made, ONE, "metric=[scas,grace]", "metric.grace.dim=16")
    gradients, hidden = (made.open(name) for name in sorted([*plan.found, *plan.to_make]))
    rows = made.read(gradients)
    assert rows.groupby("example_id")["dimension"].agg(list).tolist() == [list(range(16))] * 6
    assert np.isfinite(rows["value"]).all()
    assert set(made.read(hidden)["example_id"]) == set(rows["example_id"])
    assert [made.provenance(artifact)["passes"] for artifact in (hidden, gradients)] == [1, 3]


def test_the_losses_beside_hidden_states_are_those_of_token_statistics(stage, made):
    plan = stage("score", made, ONE, "metric=[scas,perplexity]")
    hidden, stats = (made.read(made.open(name)) for name in sorted([*plan.found, *plan.to_make]))
    means = -stats.groupby("example_id")["logprob"].mean()
    assert hidden.set_index("example_id")["answer_loss"].to_dict() == pytest.approx(means.to_dict(), rel=1e-4)


def test_other_layers_and_another_projection_are_other_artifacts(stage, made):
    metric = ["metric=[scas,grace]", "metric.grace.dim=16"]
    first = stage("score", made, ONE, *metric)
    changed = ["metric.scas.layer=mlp.gate_proj", "metric.grace.layers=[q_proj]"]
    other = stage("score", made, ONE, *metric, *changed)
    assert not {*first.found, *first.to_make} & {*other.found, *other.to_make}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            ["metric=[scas]", "metric.scas.layer=mlp.fc1"],
            r"no module called mlp\.fc1; there are .*metric\.scas\.layer=",
        ),
        (["metric=[grace]", "metric.grace.layers=[c_attn]"], r"no layer called c_attn; .*metric\.grace\.layers="),
    ],
)
def test_a_layer_the_target_does_not_have_is_one_sentence_with_the_setting(stage, made, given, said):
    with pytest.raises(UserError, match=said):
        stage("score", made, ONE, *given)


def read(lab, store, texts):
    questions = LabQuestions().questions("train", len(texts))
    examples = {"gpt4": list(zip(questions, texts, strict=True))}
    prompt = SelfAlignedPrompt("{question}{examples}", "{answer}")
    sample = Sample(store, "lab", lab.target, examples, Pool(), prompt, Scoring(), Hardware("cpu"))
    table = TableOf(sample, "gpt4", HiddenStates())
    make_tables([table])
    return table.read()


def test_empty_responses_and_those_of_special_tokens_only_are_named_before_any_work(lab, store):
    with pytest.raises(UserError, match="empty responses cannot be scored: train-0001 of gpt4"):
        read(lab, store, ["7", " "])
    with pytest.raises(UserError, match="scas: nothing but special tokens of the target in train-0001 of gpt4"):
        read(lab, store, ["7", "<|user|>"])


def test_a_response_of_one_token_is_alike_to_itself(lab, store):
    frame = read(lab, store, ["7"])
    assert frame["answer_answer"].tolist() == pytest.approx([1])
    assert frame["answer_loss"].gt(0).all()


def test_a_missing_pilot_is_the_command_that_trains_and_tests_it(stage, store):
    stage("score", store, ONE, *PILOT)
    said = (
        r"8 responses of gpt4 .*python run\.py 'stage=\[generate,finetune,benchmark\]' n_train=8 n_test=8 .*"
        r"'strategy=\[gpt4\]' .*seed=0"
    )
    with pytest.raises(MissingArtifact, match=said):
        stage("rank", store, ONE, *PILOT)


def test_train_then_test_is_the_accuracy_of_the_pilot_whoever_made_it(stage, store):
    every = "stage=[generate,pilot_finetune,pilot_benchmark,finetune,benchmark,rank]"
    stage("generate", store, every, ONE, "n_train=8")
    stage("finetune", store, every, ONE, "n_train=8")
    made = stage("benchmark", store, every, ONE, "n_train=8").to_make
    for pilot in ("pilot_finetune", "pilot_benchmark"):
        assert not stage(pilot, store, every, ONE, "n_pilot=8").to_make
    plan = stage("rank", store, every, ONE, *PILOT)
    row = store.read(store.open(plan.to_make[-1])).set_index("metric").loc["train_then_test_n8"]
    (result,) = [name for name in made if name.startswith("results/lab/lab/gpt4/")]
    assert row["value"] == pytest.approx(store.provenance(store.open(result))["accuracy"])
    assert row["cost"] == 3 * 1 + 8 / 8  # one epoch, and as many test questions as responses
