"""Makes the lab's target model: `python -m sppl.lab.pretrain [--seed 0] [--out sppl/lab/checkpoint]`."""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from sppl.lab.checkpoint_settings import CheckpointSettings, settings_hash
from sppl.lab.corpus import documents
from sppl.lab.evaluate import accuracy_by_operations, held_out_loss, pad_rows, weighted_loss
from sppl.lab.tokenizer import BOS_ID, EOS_ID, MAX_LENGTH, PAD_ID, encode_document, train_tokenizer

if TYPE_CHECKING:
    import torch
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

log = logging.getLogger(__name__)

CHECKPOINT = Path(__file__).parent / "checkpoint"
GATE = {"1": 0.8, "2": 0.7, "3": 0.5}
"""The least share of right answers by number of operations: a run below it has not learnt arithmetic yet."""

Row = tuple[list[int], int]


def build_model(settings: CheckpointSettings, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """Returns an untrained Llama of the settings' size, its weights drawn with their seed."""
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(settings.seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=settings.hidden,
        intermediate_size=settings.feed_forward,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        max_position_embeddings=MAX_LENGTH,
        tie_word_embeddings=True,
        pad_token_id=PAD_ID,
        bos_token_id=BOS_ID,
        eos_token_id=EOS_ID,
    )
    model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(
        do_sample=False, pad_token_id=PAD_ID, bos_token_id=BOS_ID, eos_token_id=EOS_ID
    )
    return model


def batches(rows: list[Row], settings: CheckpointSettings) -> Iterator[list[Row]]:
    """Yields the batches of a run: rows of similar length, at most `tokens_per_batch` with padding, seeded order."""
    rng = random.Random(f"order/{settings.seed}")
    for _ in range(settings.epochs):
        shuffled = rng.sample(rows, len(rows))
        groups: list[list[Row]] = []
        for first in range(0, len(rows), 4096):
            group: list[Row] = []
            for row in sorted(shuffled[first : first + 4096], key=lambda row: len(row[0])):
                if group and len(row[0]) * (len(group) + 1) > settings.tokens_per_batch:
                    groups.append(group)
                    group = []
                group.append(row)
            groups.append(group)
        rng.shuffle(groups)
        yield from groups


def learning_rate_share(step: int, steps: int, settings: CheckpointSettings) -> float:
    """Returns the share of the full learning rate at a step: linear warm-up, constant, linear decay."""
    return min(1.0, (step + 1) / settings.warmup_steps, (steps - step) / (settings.decay_share * steps))


def optimizers(model: LlamaForCausalLM, settings: CheckpointSettings) -> list[torch.optim.Optimizer]:
    """Returns Muon for the matrices inside the layers, and AdamW for embeddings and norms."""
    import torch

    matrices = [p for p in model.model.layers.parameters() if p.ndim == 2]
    inside = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in inside]
    return [
        torch.optim.Muon(matrices, lr=settings.muon_lr, weight_decay=0.0),
        torch.optim.AdamW(rest, lr=settings.adamw_lr, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def train(model: LlamaForCausalLM, rows: list[Row], settings: CheckpointSettings) -> None:
    """Trains the model in place on the rows (ids and prompt length)."""
    import torch
    from tqdm import tqdm

    schedule = list(batches(rows, settings))
    chosen = optimizers(model, settings)
    full = [optimizer.param_groups[0]["lr"] for optimizer in chosen]
    model.train()
    for step, batch in enumerate(tqdm(schedule, desc="pretraining", unit="step", mininterval=2.0)):
        ids, weights = pad_rows(batch, prompt_weight=settings.prompt_weight)
        loss = weighted_loss(model, ids, weights)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
        for optimizer, lr in zip(chosen, full, strict=True):
            optimizer.param_groups[0]["lr"] = lr * learning_rate_share(step, len(schedule), settings)
            optimizer.step()
            optimizer.zero_grad()
        if step % 250 == 0:
            log.info("step %d of %d: loss %.3f", step, len(schedule), loss.item())


def pretrain(settings: CheckpointSettings, out: Path) -> dict:
    """Pretrains a model; writes model, tokenizer and record (`recipe.json`) to `out`, and returns the record."""
    import torch

    torch.set_num_threads(1)  # sums of several threads differ with their number, and with them the model
    started = time.perf_counter()
    corpus = list(documents(settings.corpus, seed=settings.seed))
    texts = [text for document in corpus[::5] for text in (document.user, document.response) if text]
    tokenizer = train_tokenizer(texts, vocabulary=settings.vocabulary)
    rows = [encode_document(tokenizer, document) for document in corpus]
    tokens = settings.epochs * sum(len(ids) for ids, _ in rows)
    model = build_model(settings, tokenizer)
    log.info("%d documents, %d tokens, %d parameters", len(rows), tokens, model.num_parameters())
    train(model, rows, settings)
    accuracy = accuracy_by_operations(model, tokenizer)
    record = {
        "recipe": asdict(settings),
        "recipe_hash": settings_hash(settings),
        "held_out_loss": held_out_loss(model, tokenizer),
        "accuracy": accuracy,
        "gate": GATE,
        "passed": all(accuracy[operations] >= least for operations, least in GATE.items()),
        "tokens": tokens,
        "parameters": model.num_parameters(),
        "seconds": round(time.perf_counter() - started),
        "versions": {name: version(name) for name in ("torch", "transformers", "tokenizers")},
    }
    save(model, tokenizer, record, out)
    return record


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, record: dict, out: Path) -> None:
    """Writes a complete checkpoint folder and only then puts it in the place of the old one."""
    partial, old = out.with_name(f"{out.name}.partial"), out.with_name(f"{out.name}.old")
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    model.eval().save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    (partial / "recipe.json").write_text(json.dumps(record, indent=2) + "\n")
    if out.exists():
        out.rename(old)
    partial.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def main() -> None:
    """Runs one pretraining with the default settings and the seed of the command line."""
    parser = argparse.ArgumentParser(description="Pretrain the lab's target model from scratch.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=CHECKPOINT)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    record = pretrain(CheckpointSettings(seed=arguments.seed), arguments.out)
    log.info("accuracy by operations %s, held-out loss %.4f", record["accuracy"], record["held_out_loss"])
    log.info(
        "%s after %d s: %s",
        "passed the gate" if record["passed"] else "MISSED the gate",
        record["seconds"],
        arguments.out,
    )


if __name__ == "__main__":
    main()
