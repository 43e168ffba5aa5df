"""SCAS and GRACE against a plain second computation inside a tiny model, and what summaries may not depend on."""

import random
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from sppl.analysis.resampling import value_of
from sppl.hardware.hardware import Hardware
from sppl.hardware.progress import predict_batches
from sppl.metrics.grace import Grace
from sppl.metrics.scas import StudentCentricScore
from sppl.scoring.projector import Projector, check_layers, projection_places, read_layers
from sppl.scoring.requests import ScoringRequest
from sppl.scoring.summariser import Summariser, requests_loader
from sppl.training.lora import Lora, add_lora

VOCABULARY, SPECIAL = 60, {0, 1, 2}
LAYERS = ("q_proj", "down_proj")
TRAINER = Hardware("cpu")


def llama() -> LlamaForCausalLM:
    torch.manual_seed(3)
    size = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4}
    return LlamaForCausalLM(LlamaConfig(vocab_size=VOCABULARY, initializer_range=0.5, **size)).eval()


@pytest.fixture
def requests() -> list[ScoringRequest]:
    """Twelve questions that begin and end with special tokens, each with its response."""
    draw = random.Random(4)
    token = partial(draw.randrange, 3, VOCABULARY)
    lengths = [(draw.randint(1, 6), draw.randint(1, 9)) for _ in range(12)]
    return [ScoringRequest((1, *(token() for _ in range(p)), 2), tuple(token() for _ in range(r))) for p, r in lengths]


def summaries(model, requests) -> pd.DataFrame:
    read = list(predict_batches(TRAINER, Summariser(model, "mlp.up_proj", SPECIAL), requests_loader(requests), "t"))
    frame = pd.DataFrame([one._asdict() for one in read])
    return frame.assign(strategy="gpt4", example_id=[f"q{n}" for n in range(len(read))])


def gradients(model, requests, dim=32, seed=5) -> np.ndarray:
    read = predict_batches(TRAINER, Projector(model, dim, seed), requests_loader(requests), "t", inference_mode=False)
    return np.stack(list(read))


def plain_scas(model, request) -> float:
    """Every pair of tokens one by one; hidden states from what the last block's feed-forward layer is given."""
    tokens, kept = request.prefix + request.response, []
    block = model.model.layers[-1].mlp
    hook = block.register_forward_pre_hook(lambda module, given: kept.append(given[0][0]))
    with torch.no_grad():
        logprobs = model(torch.tensor([tokens])).logits[0].double().log_softmax(-1)
        states = kept[0] @ block.up_proj.weight.T
    hook.remove()
    answer = [at for at in range(len(request.prefix), len(tokens)) if tokens[at] not in SPECIAL]
    question = [at for at in range(len(request.prefix)) if tokens[at] not in SPECIAL]

    def loss(places) -> float:
        return float(np.mean([-logprobs[at - 1, tokens[at]] for at in places if at]))

    def cosine(one, other) -> float:
        pairs = [torch.cosine_similarity(states[i], states[j], dim=0) for i in one for j in other]
        return float(torch.stack(pairs).mean())

    d_a, d_q = loss(answer), loss(question)
    return 0.5 * d_a**2 * cosine(answer, answer) + 0.5 * d_a * d_q * cosine(answer, question)


def scas(model, requests) -> list[float]:
    metric = StudentCentricScore()
    return metric.per_example({metric.needs()[0]: summaries(model, requests)})["value"].tolist()


def test_scas_is_that_of_every_pair_of_tokens(requests):
    model = llama()
    assert scas(model, requests) == pytest.approx([plain_scas(model, request) for request in requests])


def test_scas_of_a_response_of_one_token_has_a_likeness_to_itself_of_one():
    frame = summaries(llama(), [ScoringRequest((1, 7, 8, 2), (9,))])
    assert frame["answer_answer"].tolist() == pytest.approx([1])
    assert frame["answer_loss"].gt(0).all()


def test_a_mask_that_starts_one_token_late_is_another_scas(requests):
    model = llama()
    late = [ScoringRequest(r.prefix + r.response[:1], r.response[1:]) for r in requests if len(r.response) > 1]
    exact = [one for one in requests if len(one.response) > 1]
    for one, other in zip(scas(model, exact), scas(model, late), strict=True):
        assert one != pytest.approx(other, rel=1e-3)


def test_a_long_response_is_summed_up_in_pieces(monkeypatch, requests):
    whole = summaries(llama(), requests)
    monkeypatch.setattr("sppl.scoring.summariser.ROWS", 3)
    pd.testing.assert_frame_equal(whole, summaries(llama(), requests))


def test_a_layer_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(ValueError, match=r"no module called mlp\.fc1; there are .*mlp\.up_proj"):
        Summariser(llama(), "mlp.fc1", SPECIAL)
    with pytest.raises(ValueError, match=r"no layer called c_attn; there are q_proj, k_proj"):
        check_layers(llama(), ["q_proj", "c_attn"])


def plain_gradient(model, request) -> dict[str, torch.Tensor]:
    """By transformers' own loss and one backward pass over all weights."""
    model.requires_grad_(True).zero_grad()
    ids = torch.tensor([request.prefix + request.response])
    labels = ids.clone()
    labels[0, : len(request.prefix)] = -100
    model(ids, labels=labels).loss.backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters()}


def folded(parts: dict[str, torch.Tensor], dim: int, seed: int) -> np.ndarray:
    """The projection as an ordinary matrix with one 1 or -1 per column."""
    total = np.zeros(dim)
    for name, part in parts.items():
        goes = projection_places(f"{seed} {name}", part.numel(), dim)
        matrix = np.zeros((dim, part.numel()))
        matrix[goes % dim, np.arange(part.numel())] = np.where(goes < dim, 1, -1)
        total += matrix @ part.flatten().double().numpy()
    return total


def test_a_gradient_of_chosen_weights_is_that_of_the_mean_response_loss(requests):
    model = llama()
    read_layers(model, LAYERS)
    found = gradients(model, requests)
    for row, request in zip(found, requests, strict=True):
        every = plain_gradient(llama(), request)
        chosen = {name: g for name, g in every.items() if name.split(".")[-2] in LAYERS}
        assert row == pytest.approx(folded(chosen, 32, 5), rel=1e-3, abs=1e-5)


def test_a_gradient_of_fresh_adapters_is_that_of_the_weights_through_their_first_factor(requests):
    torch.manual_seed(0)
    wrapped = add_lora(llama(), Lora(rank=4, alpha=8, targets=LAYERS))
    for name, weight in wrapped.named_parameters():
        weight.requires_grad_("lora_B" in name)
    found = gradients(wrapped, requests)
    state = dict(wrapped.named_parameters())
    for row, request in zip(found, requests, strict=True):
        every = plain_gradient(llama(), request)
        parts = {
            name: 8 / 4 * every[bare(name)] @ state[name.replace("lora_B", "lora_A")].detach().T
            for name in state
            if "lora_B" in name
        }
        assert row == pytest.approx(folded(parts, 32, 5), rel=1e-3, abs=1e-5)


def bare(name: str) -> str:
    return name.removeprefix("base_model.model.").replace("lora_B.default.", "")


def test_grace_by_eigenvalues_of_each_split(requests):
    model = llama()
    read_layers(model, LAYERS)
    found = gradients(model, requests)
    names = [f"q{n:02d}" for n in range(len(found))]
    table = pd.DataFrame(
        {
            "strategy": "gpt4",
            "example_id": np.repeat(names, 32),
            "dimension": np.tile(np.arange(32), len(found)),
            "value": found.ravel(),
        }
    )
    metric = Grace(n_splits=4, smoothing=0.01)
    scores = metric.per_example({metric.needs()[0]: table.sample(frac=1, random_state=1)})
    rows = found.astype(float)
    order, traces = np.random.default_rng(0).permutation(12), []
    for split in range(4):
        held_out = order[3 * split : 3 * split + 3]
        train = [rows[n] / np.linalg.norm(rows[n]) for n in range(12) if n not in held_out]
        eigenvalues, vectors = np.linalg.eigh(sum(np.outer(g, g) for g in train) / len(train))
        eigenvalues = 0.99 * eigenvalues + 0.01 * eigenvalues.mean()
        inverse = vectors @ np.diag(1 / eigenvalues) @ vectors.T
        traces.append(np.trace(inverse @ sum(np.outer(g, g) for g in rows[held_out]) / 3))
    assert value_of(metric, scores) == pytest.approx(np.mean(traces), rel=1e-6)


def test_a_projection_keeps_lengths_and_angles_on_average():
    draw = np.random.default_rng(7)
    one, other = draw.normal(size=(2, 400))
    seeds = range(300)

    def fold(vector, seed):
        return folded({"w": torch.tensor(vector)}, 64, seed)

    inner = [fold(one, seed) @ fold(other, seed) for seed in seeds]
    length = [fold(one, seed) @ fold(one, seed) for seed in seeds]
    assert np.mean(length) == pytest.approx(one @ one, rel=0.03)
    assert abs(np.mean(inner) - one @ other) < 4 * np.std(inner) / np.sqrt(len(inner))


def test_the_same_seed_projects_alike_and_another_does_not(requests):
    model = llama()
    read_layers(model, LAYERS)
    one, again, other = (gradients(model, requests[:2], seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.allclose(one, other)
