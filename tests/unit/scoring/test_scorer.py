import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from sppl.scoring.planner import plan_passes
from sppl.scoring.requests import ScoringRequest
from sppl.scoring.scorer import ResponseScorer, passes_loader

VOCABULARY = 40


@pytest.fixture(scope="module")
def llama() -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64, initializer_range=0.4,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


@pytest.fixture(scope="module")
def requests() -> list[ScoringRequest]:
    draw = np.random.default_rng(1)
    shapes = [(7, 5), (7, 1), (3, 9), (0, 6), (0, 1), (12, 2), (1, 4)]
    made = [[tuple(draw.integers(0, VOCABULARY, size).tolist()) for size in shape] for shape in shapes]
    return [ScoringRequest(prefix, response, 10 + number) for number, (prefix, response) in enumerate(made)]


def plain(model, request: ScoringRequest) -> tuple[np.ndarray, np.ndarray]:
    """The definition: one row, all logits, the scored tokens taken out at the end."""
    ids = torch.tensor([request.prefix + request.response])
    with torch.inference_mode():
        logprobs = model(input_ids=ids).logits[0, :-1].log_softmax(-1)
    own = logprobs.gather(1, ids[0, 1:, None])
    ranks = 1 + (logprobs > own).sum(1)
    start = len(ids[0]) - 1 - request.n_scored
    return own[start:, 0].numpy(), ranks[start:].numpy()


def test_scores_are_the_models_own_one_by_one(llama, requests):
    scored = ResponseScorer(llama).score(requests, max_tokens=40)
    for request, (logprobs, ranks) in zip(requests, scored, strict=True):
        expected, expected_ranks = plain(llama, request)
        np.testing.assert_allclose(logprobs, expected, atol=1e-5)
        assert ranks.tolist() == expected_ranks.tolist()
        assert (logprobs.dtype, ranks.dtype) == (np.float32, np.int32)


def test_the_mean_loss_is_the_models_loss_on_labels_without_the_prompt(llama, requests):
    request = requests[0]
    ids = torch.tensor([request.prefix + request.response])
    labels = torch.tensor([(-100,) * len(request.prefix) + request.response])
    ((logprobs, _),) = ResponseScorer(llama).score([request], max_tokens=40)
    assert -logprobs.mean() == pytest.approx(llama(input_ids=ids, labels=labels).loss.item(), abs=1e-6)


def test_only_response_tokens_are_scored_and_after_an_empty_prefix_all_but_the_first(llama, requests):
    scored = ResponseScorer(llama).score(requests, max_tokens=40)
    assert [len(logprobs) for logprobs, _ in scored] == [5, 1, 9, 5, 0, 2, 4]


@pytest.mark.parametrize("max_tokens", [1, 13, 30, 1000])
def test_scores_do_not_depend_on_the_batch(llama, requests, max_tokens):
    scorer = ResponseScorer(llama)
    alone = [scorer.score([request], max_tokens=1000)[0][0] for request in requests]
    for (logprobs, _), expected in zip(scorer.score(requests, max_tokens=max_tokens), alone, strict=True):
        np.testing.assert_allclose(logprobs, expected, atol=1e-5)


def test_padding_on_the_left_gives_the_same_scores(llama, requests):
    rows = [(request.prefix + request.response, request) for request in requests if request.prefix]
    width = max(len(row) for row, _ in rows)
    ids = torch.tensor([(0,) * (width - len(row)) + row for row, _ in rows])
    mask = torch.tensor([(0,) * (width - len(row)) + (1,) * len(row) for row, _ in rows])
    with torch.inference_mode():
        output = llama(input_ids=ids, attention_mask=mask, position_ids=(mask.cumsum(1) - 1).clamp(min=0))
    left = output.logits[:, :-1].log_softmax(-1).gather(2, ids[:, 1:, None])[..., 0]
    ours = ResponseScorer(llama).score([request for _, request in rows], max_tokens=1000)
    for number, (logprobs, _) in enumerate(ours):
        np.testing.assert_allclose(logprobs, left[number, -len(logprobs) :], atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")  # Lightning 2.6 under torch 2.13
@pytest.mark.filterwarnings("ignore:The 'predict_dataloader' does not have many workers")  # tokens are in memory
def test_a_trainer_predicts_one_list_of_scores_per_pass(llama, requests, tmp_path):
    passes = plan_passes(requests, max_tokens=30, form="padded")
    trainer = pl.Trainer(
        accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=tmp_path,
    )  # fmt: skip
    results = trainer.predict(ResponseScorer(llama), passes_loader(passes))
    assert [[one.index for one in scored] for scored in results] == [[r.index for r in one.requests] for one in passes]
    by_index = {one.index: one for scored in results for one in scored}
    scored = ResponseScorer(llama).score(requests, max_tokens=1000)
    for request, (logprobs, ranks) in zip(requests, scored, strict=True):
        np.testing.assert_allclose(by_index[request.index].logprobs, logprobs, atol=1e-5)
        assert by_index[request.index].ranks.tolist() == ranks.tolist()


def test_the_model_is_frozen_and_in_eval_mode(llama):
    model = ResponseScorer(llama.train()).model
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_the_target_is_put_on_the_device_before_every_piece_of_work_and_tried_once(monkeypatch):
    """Training, and work of several devices, leave it on the CPU."""
    from sppl.models.target import TargetModel
    from sppl.scoring.in_context import scorer_of

    placed = []
    monkeypatch.setattr("sppl.hardware.device.place", lambda model, device: placed.append(device) or model)
    target, device = TargetModel("lab", "lab"), torch.device("cpu")
    assert scorer_of(target, "auto", device) is scorer_of(target, "auto", device)
    assert placed == [device] * 2
