"""Measures a lab model: its loss on held-out documents, and the share of questions it answers correctly."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from sppl.lab.corpus import Document, held_out_documents
from sppl.lab.tokenizer import PAD_ID, encode_document
from sppl.lab.world import problems, question_text

if TYPE_CHECKING:
    import torch
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

MAX_NEW_TOKENS = 224


def pad_rows(rows: list[tuple[list[int], int]], *, prompt_weight: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns ids `[rows, length]`, padded on the right, and loss weights `[rows, length - 1]` of all but the first.

    `rows` holds ids and the length of the prompt. Causal attention never looks at what follows, so no mask is needed.
    """
    import torch

    length = max(len(ids) for ids, _ in rows)
    padded_ids = torch.full((len(rows), length), PAD_ID)
    weights = torch.zeros(len(rows), length)
    for row, (ids, n_prompt) in enumerate(rows):
        padded_ids[row, : len(ids)] = torch.tensor(ids)
        weights[row, :n_prompt] = prompt_weight
        weights[row, n_prompt : len(ids)] = 1.0
    return padded_ids, weights[:, 1:]


def weighted_loss(model: LlamaForCausalLM, ids: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Returns the weighted mean negative log-likelihood per token, in nats."""
    from torch.nn.functional import cross_entropy

    logits = model(input_ids=ids[:, :-1], use_cache=False).logits
    losses = cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    return (losses * weights.flatten()).sum() / weights.sum()


def held_out_loss(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> float:
    """Mean negative log-likelihood per response token (with the end token), in nats, over 200 held-out documents."""
    import torch

    model.eval()
    total = count = 0.0
    with torch.inference_mode():
        rows = sorted((encode_document(tokenizer, d) for d in held_out_documents()), key=lambda row: len(row[0]))
        for first in range(0, len(rows), 50):
            ids, weights = pad_rows(rows[first : first + 50], prompt_weight=0.0)
            total += weighted_loss(model, ids, weights).item() * weights.sum().item()
            count += weights.sum().item()
    return total / count


def greedy_answers(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, questions: Sequence[str], *, batch_size: int = 128
) -> list[str]:
    """Returns the model's greedy answer to each question, in their order."""
    import torch

    model.eval()
    prompts = [encode_document(tokenizer, Document(question, "")) for question in questions]
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i][0]))
    answers = [""] * len(prompts)
    for first in range(0, len(order), batch_size):
        chosen = order[first : first + batch_size]
        batch = tokenizer.pad({"input_ids": [prompts[i][0][: prompts[i][1]] for i in chosen]}, return_tensors="pt")
        with torch.inference_mode():
            ids = model.generate(**batch, do_sample=False, max_new_tokens=MAX_NEW_TOKENS)  # pyright: ignore[reportAttributeAccessIssue]  (its stubs)
        new = ids[:, batch["input_ids"].shape[1] :]
        for i, answer in zip(chosen, tokenizer.batch_decode(new, skip_special_tokens=True), strict=True):
            answers[i] = answer
    return answers


def is_right(response: str, answer: str) -> bool:
    """Whether the last line of a response is `#### answer`."""
    return response.strip().split("\n")[-1] == f"#### {answer}"


def accuracy_by_operations(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, n: int = 100
) -> dict[str, float]:
    """Returns the share of right greedy answers by number of operations (`1` to `4`), on `n` questions each."""
    accuracy = {}
    for operations in (1, 2, 3, 4):
        rng = random.Random(f"accuracy/{operations}")
        asked = list(islice(problems(rng, "validation", (operations,)), n))
        answers = greedy_answers(model, tokenizer, [question_text(problem, rng) for problem in asked])
        right = [is_right(answer, str(problem.total)) for answer, problem in zip(answers, asked, strict=True)]
        accuracy[str(operations)] = sum(right) / n
    return accuracy
