import pytest
import torch

from sppl.artifacts.store import MissingArtifact
from sppl.models.target import frozen_target
from sppl.schemas import UserError

pytestmark = pytest.mark.filterwarnings("default")


def test_fine_tuning_leaves_the_cached_target_as_it_was(stage, made, lab):
    ids = torch.arange(20, 60)[None]
    before = frozen_target(lab.target)(ids).logits.clone()
    plan = stage("finetune", made, "strategy=[gpt4]", "training.learning_rate=0.01")
    assert torch.equal(frozen_target(lab.target)(ids).logits, before)
    assert made.exists(made.open((plan.found + plan.to_make)[0]))


def test_an_adapter_is_a_peft_folder_and_is_benchmarked_unmerged(stage, made):
    lora = ["training.lora={_target_: sppl.training.lora.Lora, rank: 4, alpha: 8}", "strategy=[gpt4]"]
    plan = stage("finetune", made, *lora)
    folder = made.path(made.open((plan.found + plan.to_make)[0]))
    assert {"adapter_config.json", "adapter_model.safetensors"} <= {path.name for path in folder.iterdir()}
    results = stage("benchmark", made, *lora)
    frame = made.read(made.open((results.found + results.to_make)[-1]))
    assert len(frame) == 8
    assert set(frame["correct"]) <= {0.0, 1.0}


def test_a_benchmark_without_training_is_the_command_that_trains(stage, store):
    with pytest.raises(MissingArtifact, match=r"'stage=\[finetune\]' .*'strategy=\[gpt4\]' seed=5"):
        stage("benchmark", store, "strategy=[gpt4]", "seed=5")


def test_a_ranking_without_scores_is_the_command_that_scores(stage, made):
    with pytest.raises(MissingArtifact, match=r"stage=\[predict,score\].*strategy=\[self_check\]"):
        stage("rank", made, "strategy=[self_check]", "seed=9")


def test_seeds_reach_the_weights(stage, made):
    plans = [stage("finetune", made, "strategy=[gpt4]", f"seed={seed}") for seed in (0, 1)]
    one, two = ((plan.found + plan.to_make)[0] for plan in plans)
    assert made.digest(made.open(one)) != made.digest(made.open(two))


def test_more_training_questions_than_there_are_is_refused_before_any_work(stage, store):
    with pytest.raises(UserError, match="n_train"):
        stage("finetune", store, "n_train=100000")


def test_a_report_without_anything_to_report_says_how_to_go_on(stage, store, tmp_path):
    with pytest.raises(UserError, match=r"stage=\[score,rank,finetune,benchmark,report\]"):
        stage("report", store, f"reports={tmp_path}", rankings=[], results=[])


def test_a_strategy_that_is_never_ranked_is_left_out_of_the_ranking(stage, made):
    stage("predict", made)
    stage("score", made, "strategy=[gpt4,claude]")
    plan = stage("rank", made, "strategy=[gpt4,claude]", "+strategy.claude.ranked=false")
    frame = made.read(made.open((plan.found + plan.to_make)[-1]))
    assert set(frame["strategy"]) == {"gpt4"}


def test_a_ranking_has_every_metric_of_every_strategy(stage, made):
    stage("predict", made)
    stage("score", made, "strategy=[gpt4,claude]")
    plan = stage("rank", made, "strategy=[gpt4,claude]")
    frame = made.read(made.open((plan.found + plan.to_make)[-1]))
    assert len(frame) == 10  # five metrics, two strategies
    assert frame["value"].map(float).apply(lambda value: 0 < value < 1e6).all()
    assert set(frame["source"]) == {"simulated"}


def test_an_empty_pool_scores_without_examples_and_says_so(stage, store, monkeypatch):
    monkeypatch.setattr("sppl.study.verdicts.judge", lambda task, questions, texts: [0.0] * len(texts))
    overrides = ["strategy=[gpt4]", "metric=[sppl,perplexity]"]
    stage("predict", store, *overrides)
    stage("score", store, *overrides)
    plan = stage("rank", store, *overrides)
    frame = store.read(store.open(plan.to_make[-1])).set_index("metric")
    assert frame.loc["sppl_n2", "value"] == pytest.approx(frame.loc["perplexity", "value"], rel=1e-6)
    assert "none of the target's 12 own answers is correct" in frame.loc["sppl_n2", "note"]
    assert "own answers" not in frame.loc["perplexity", "note"]


def test_the_best_weights_are_selected_on_validation_questions_and_are_another_artifact(stage, made):
    given = ["strategy=[gpt4]", "training.select=best", "training.n_validation=8"]
    final = stage("finetune", made, "strategy=[gpt4]")
    best = stage("finetune", made, *given)
    assert set(final.found + final.to_make).isdisjoint(best.to_make)
    assert made.exists(made.open(best.to_make[0]))
    results = stage("benchmark", made, "strategy=[gpt4]", "training.select=best", "training.n_validation=8")
    assert len(results.found + results.to_make) == 4  # answers and results, trained and untrained


def test_two_set_ups_that_end_in_the_same_weights_keep_two_results(stage, made):
    results, digests, setups = [], [], []
    for tokens in (2048, 1999):  # no example is that long
        given = ["strategy=[gpt4]", f"training.max_tokens={tokens}"]
        trained = stage("finetune", made, *given)
        digests.append(made.digest(made.open((trained.found + trained.to_make)[0])))
        plan = stage("benchmark", made, *given)
        results.append(next(name for name in plan.found + plan.to_make if name.startswith("results/lab/lab/gpt4/")))
        setups.append(made.provenance(made.open(results[-1]))["setup"]["max_tokens"])
    assert digests[0] == digests[1]
    assert results[0] != results[1]
    assert setups == [2048, 1999]


def test_a_large_model_is_not_trained_in_full_because_of_a_forgotten_word(stage, store):
    few = ["strategy=[gpt4]", "training.most_weights=1e5"]
    stage("generate", store, *few)
    with pytest.raises(UserError, match=r"lab has \d{3},\d{3} weights.* training=lora.*training.most_weights=null"):
        stage("finetune", store, *few)
    adapters = stage("finetune", store, *few, "training=lora", "training.epochs=1").to_make
    meant = stage("finetune", store, "strategy=[gpt4]", "training.most_weights=null").to_make
    assert adapters[0] != meant[0]
    assert meant == stage("finetune", store, "strategy=[gpt4]").found  # it shapes no outcome
