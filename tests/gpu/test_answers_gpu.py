"""Answers on a GPU are those of one prompt at a time."""

import logging

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from sppl.generation.answer import prompts_of
from sppl.generation.answering import LocalAnswering, continue_prompts, fit_rows
from sppl.generation.decoding import decode, most_likely
from sppl.generation.ends import end_tokens
from sppl.lab.source import LabQuestions
from sppl.models.target import TargetModel
from sppl.schemas import Sampling
from sppl.training.lora import Lora, add_lora
from sppl.training.trained import load_trained

log = logging.getLogger(__name__)
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def target(root, monkeypatch) -> TargetModel:
    monkeypatch.chdir(root)
    return TargetModel("lab", "sppl/lab/checkpoint")


def test_greedy_answers_of_a_batch_are_those_of_one_prompt_at_a_time_in_float32(target, device):
    questions = LabQuestions().questions("test", 40)
    answering = LocalAnswering(target, device)
    together = answering.answer(prompts_of(questions), max_new_tokens=120)
    alone = [answering.answer(prompts_of([one]), max_new_tokens=120)[0] for one in questions[:12]]
    assert together[:12] == alone
    on_cpu = LocalAnswering(target, torch.device("cpu")).answer(prompts_of(questions), max_new_tokens=120)
    assert sum(one == other for one, other in zip(together, on_cpu, strict=True)) >= 39


def test_bfloat16_answers_of_a_batch_are_mostly_those_of_one_at_a_time(target, device):
    questions = LabQuestions().questions("test", 40)
    answering = LocalAnswering(TargetModel("half", target.path, dtype="bfloat16"), device)
    together = answering.answer(prompts_of(questions), max_new_tokens=120)
    alone = [answering.answer(prompts_of([one]), max_new_tokens=120)[0] for one in questions]
    equal = sum(one == other for one, other in zip(together, alone, strict=True))
    log.info("bfloat16: %d of 40 greedy answers equal those of one prompt at a time", equal)
    assert equal >= 20


def test_recorded_steps_give_the_answers_of_plain_ones_with_an_adapter_too(target, device, tmp_path):
    torch.manual_seed(0)
    wrapped = add_lora(target.load(), Lora(rank=4, alpha=8))
    for name, weight in wrapped.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.05)
    wrapped.save_pretrained(str(tmp_path / "adapter"))
    questions = LabQuestions().questions("test", 16)
    answering = LocalAnswering(target, device)
    for folder in (tmp_path / "adapter", None, tmp_path / "adapter"):
        found = answering.answer(prompts_of(questions), max_new_tokens=100, trained=folder)
        model = load_trained(target, folder)
        ends = end_tokens(answering.rendering, model.generation_config)
        read = [answering.rendering.prompt(one.messages) for one in prompts_of(questions)]
        with torch.inference_mode():
            plain = decode(model, read, ends=ends, max_new_tokens=100, choose=most_likely)
        assert [answering._answer(ids, ends) for ids in plain] == found


def test_drawn_answers_do_not_depend_on_the_batch(target, device):
    questions = LabQuestions().questions("test", 8)
    answering = LocalAnswering(target, device)
    together = answering.answer(prompts_of(questions), max_new_tokens=40, sampling=Sampling(seed=3))
    alone = [answering.answer(prompts_of([q]), max_new_tokens=40, sampling=Sampling(seed=3))[0] for q in questions]
    assert sum(one == other for one, other in zip(together, alone, strict=True)) >= 7


def test_answers_that_do_not_fit_into_memory_are_asked_for_in_halves(device, monkeypatch):
    if device.type != "cuda":
        pytest.skip("only CUDA runs out of memory so gently")
    torch.manual_seed(0)
    size = {"hidden_size": 512, "intermediate_size": 1024, "num_hidden_layers": 8, "num_attention_heads": 8}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=1000, **size)).to(device).eval()
    prompts = [tuple(range(3, 300)) for _ in range(64)]
    expected = continue_prompts(model, prompts[:1], ends=frozenset(), max_new_tokens=24)[0]
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 600 * 2**20) / total, device)
    try:
        made = continue_prompts(model, prompts, ends=frozenset(), max_new_tokens=24, batch_size=64)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)
    assert all(len(one) == 24 for one in made)
    assert made[0][0] == expected[0]
    assert fit_rows(model, 400) > 1
