"""The same model on the same batches, trained by others: a plain loop, and TRL's trainer."""

import warnings

import pytest
import torch
from tiny import VOCABULARY, examples, llama, train
from transformers import get_cosine_schedule_with_warmup

from sppl.training.batches import Steps
from sppl.training.lora import Lora
from sppl.training.training_settings import Training

SETTINGS = {"epochs": 2, "batch_size": 4, "learning_rate": 1e-2, "warmup": 0.25, "weight_decay": 0.1, "clip": 0.5}
KINDS = {"all weights": Training(**SETTINGS), "lora": Training(**SETTINGS, lora=Lora(rank=2))}
DATA = examples(20)


def batches(training):
    """The examples of every step, in order."""
    steps = Steps(DATA, training.batch_size, seed=3)
    return [step for epoch in range(training.epochs) for step in steps.order(epoch)]


def plain_loop(training):
    """Fine-tuning as transformers' documentation would write it, all logits and labels of -100."""
    model = llama(training.lora).train()
    matrices = [weight for weight in model.parameters() if weight.requires_grad and weight.ndim > 1]
    vectors = [weight for weight in model.parameters() if weight.requires_grad and weight.ndim == 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}], lr=training.learning_rate
    )
    order = batches(training)
    schedule = get_cosine_schedule_with_warmup(optimizer, round(0.25 * len(order) + 0.49), len(order))
    losses = []
    for step in order:
        width = max(map(len, step))
        ids, mask, labels = torch.zeros(3, len(step), width, dtype=torch.long)
        labels -= 100
        for row, example in enumerate(step):
            ids[row, : len(example)] = torch.tensor(example.prompt + example.response)
            mask[row, : len(example)] = 1
            labels[row, len(example.prompt) : len(example)] = torch.tensor(example.response)
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(matrices + vectors, training.clip)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return model, losses


def trl(training, folder):
    """TRL's SFTTrainer; its sampler is sequential, so both epochs are laid out as one."""
    from datasets import Dataset
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    words = {f"w{i}": i for i in range(VOCABULARY)}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(words, "w0")), pad_token="w0", eos_token="w1", unk_token="w0"
    )
    rows = [
        {
            "input_ids": list(example.prompt + example.response),
            "completion_mask": [0] * len(example.prompt) + [1] * len(example.response),
        }
        for step in batches(training)
        for example in step
    ]
    config = SFTConfig(
        output_dir=str(folder), per_device_train_batch_size=training.batch_size, num_train_epochs=1,
        learning_rate=training.learning_rate, weight_decay=0.1, max_grad_norm=training.clip, warmup_steps=0.25,
        lr_scheduler_type="cosine", logging_steps=1, save_strategy="no", report_to=[], use_cpu=True, bf16=False,
        train_sampling_strategy="sequential", completion_only_loss=True, gradient_checkpointing=False,
        max_length=None, disable_tqdm=True, dataloader_pin_memory=False,
    )  # fmt: skip

    class Logged(TrainerCallback):
        losses: list[float] = []  # noqa: RUF012

        def on_log(self, args, state, control, logs, **kwargs):
            if "loss" in logs:
                self.losses.append(logs["loss"])

    logged = Logged()
    logged.losses = []
    trainer = SFTTrainer(
        llama(training.lora), args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer,
        callbacks=[logged],
    )  # fmt: skip
    trainer.train()
    return trainer.model, logged.losses


@pytest.mark.parametrize("training", KINDS.values(), ids=KINDS)
def test_losses_and_weights_are_those_of_a_plain_loop(tmp_path, training):
    model, losses = train(training, tmp_path, data=DATA)
    plain, expected = plain_loop(training)
    assert list(losses.values()) == pytest.approx(expected, rel=1e-5)
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("training", KINDS.values(), ids=KINDS)
def test_losses_are_those_of_trl(tmp_path, training):
    pytest.importorskip("trl", reason="TRL is part of the test extra: pip install 'sppl[test]'")
    _, losses = train(training, tmp_path / "ours", data=DATA)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, theirs = trl(training, tmp_path / "trl")
    assert theirs == pytest.approx(list(losses.values()), rel=2e-5)
