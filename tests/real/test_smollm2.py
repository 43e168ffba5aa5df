"""A real instruct model, where experiments/real_llm/model.sh has put it: python -m pytest -m real"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sppl.data.tokens import chat_ids, response_ids
from sppl.generation.answer import prompts_of
from sppl.generation.answering import LocalAnswering
from sppl.hardware.hardware import Hardware
from sppl.lab.source import LabQuestions, LabTeacher
from sppl.models.target import TargetModel, frozen_target
from sppl.prompts import Template
from sppl.scoring.requests import ScoringRequest
from sppl.scoring.scorer import ResponseScorer
from sppl.scoring.server_settings import ScoringServer
from sppl.scoring.trust import compare_values, disagreement
from sppl.strategies.recipe import Recipe
from sppl.training.batches import Example
from sppl.training.fit import fit
from sppl.training.lora import Lora, add_lora
from sppl.training.training_settings import Training

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("default"), pytest.mark.timeout(900)]


@pytest.fixture
def target(root) -> TargetModel:
    folder = root / "outputs" / "models" / "smollm2"
    if not (folder / "model.safetensors").exists():
        pytest.skip("the model is not here: bash experiments/real_llm/model.sh")
    return TargetModel("smollm2", str(folder))


@pytest.fixture
def pairs():
    """Questions and two strategies' responses to each."""
    questions = LabQuestions(instruction="End with a line #### and the number.").questions("train", 4)
    teacher = LabTeacher()
    answers = {name: teacher.respond(Recipe(name, name), questions) for name in ("gpt4", "step_by_step")}
    return questions, answers


def requests_of(tokenizer, pairs) -> list[ScoringRequest]:
    questions, answers = pairs
    return [
        ScoringRequest(chat_ids(tokenizer, prompt.messages), response_ids(tokenizer, text, Template(), end=False))
        for texts in answers.values()
        for prompt, text in zip(prompts_of(questions), texts, strict=True)
    ]


def test_both_forms_score_it_as_one_response_at_a_time_in_float32(target, pairs):
    model, asked = frozen_target(target), requests_of(target.tokenizer(), pairs)
    for form in ("tree", "padded"):
        scorer = ResponseScorer(model, form=form)
        assert scorer.form == form
        for request, (logprobs, _) in zip(asked, scorer.score(asked, max_tokens=2000), strict=True):
            ids = torch.tensor([request.prefix + request.response])
            labels = torch.tensor([(-100,) * len(request.prefix) + request.response])
            with torch.inference_mode():
                loss = model(input_ids=ids, labels=labels).loss.item()
            assert abs(loss + logprobs.mean()) < 1e-5
            assert np.isfinite(logprobs).all()


def test_bfloat16_under_another_kernel_passes_a_servers_check_and_a_lost_token_does_not(target, pairs):
    asked = requests_of(target.tokenizer(), pairs)
    server = ScoringServer(dialect="vllm", base_url="http://x/v1", model="m")
    here, eager = (
        ResponseScorer(replace(target, dtype="bfloat16", attention=name).load(), form="padded")
        for name in ("sdpa", "eager")
    )
    ours = here.score(asked, max_tokens=2000)

    def said(theirs):
        return disagreement(server, "bfloat16", compare_values(ours, theirs, None))

    assert not said(eager.score(asked, max_tokens=2000))
    lost = [ScoringRequest(one.prefix[1:], one.response) for one in asked]
    assert "log-probabilities differ" in said(here.score(lost, max_tokens=2000))


def test_it_answers_the_same_alone_and_in_a_batch_and_ends_its_turn(target, pairs):
    questions, _ = pairs
    answering = LocalAnswering(target, torch.device("cpu"))
    together = answering.answer(prompts_of(questions), max_new_tokens=40)
    alone = [answering.answer(prompts_of([one]), max_new_tokens=40)[0] for one in questions]
    assert together == alone
    assert all(one.text.strip() and "<|im_" not in one.text for one in together)


def test_three_steps_of_training_lower_the_loss(target, pairs, tmp_path):
    questions, answers = pairs
    tokenizer = target.tokenizer()
    data = [
        Example(prompt.id, chat_ids(tokenizer, prompt.messages), response_ids(tokenizer, text, Template(), end=True))
        for prompt, text in zip(prompts_of(questions), answers["step_by_step"], strict=True)
    ]
    lora = Lora(8, 16, 0.0, ("q_proj", "v_proj"))
    model = add_lora(target.load(), lora)
    losses: list[float] = []

    import pytorch_lightning as pl

    class Losses(pl.Callback):
        def on_train_batch_end(self, trainer, *args):
            losses.append(float(trainer.callback_metrics["finetune/loss"]))

    training = Training(epochs=3, batch_size=4, learning_rate=2e-3, schedule="constant", warmup=0.0, lora=lora)
    hardware = Hardware(lightning={"enable_progress_bar": False})
    fit(model, data, training=training, trainer=hardware, seed=0, folder=tmp_path, loggers=[], callbacks=[Losses()])
    assert len(losses) == 3
    assert losses[2] < losses[0] - 0.05
