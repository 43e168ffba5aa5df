"""The target and its fine-tuned copies answer in this process."""

import gc
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from tqdm import tqdm

from sppl.data.tokens import chat_ids, check_fits
from sppl.generation.answer import Answer, Prompt
from sppl.generation.decoding import Ids, decode, drawn, most_likely
from sppl.generation.ends import end_tokens
from sppl.generation.graphed import decode_graphed
from sppl.hardware.device import Facts, memory_for_work, place
from sppl.models.target import TargetModel, frozen
from sppl.schemas import Sampling
from sppl.scoring.attention import head_width
from sppl.scoring.forms import choose_form
from sppl.training.trained import trained_model

log = logging.getLogger(__name__)

ROWS_ON_CPU = 64
ROWS_ON_GPU = 1024
"""The largest batches; on a GPU memory may allow fewer."""
FEW_TOKENS = 16
"""Answers no longer than that are not worth recording a step for."""
SHARE = 0.6
"""Of the memory beside the weights, what keys, values and the reading of prompts may take."""


class LocalAnswering:
    """The target and, one after the other, what was trained from it, in this process.

    Args:
        target: asked in its own chat template.
        device: where it answers.
        batch_size: prompts at once; None: what memory allows, 64 on a CPU.
    """

    def __init__(self, target: TargetModel, device: torch.device, batch_size: int | None = None) -> None:
        self.target, self.device, self.batch_size = target, device, batch_size
        self._facts: Facts | None = None
        self.tokenizer = cast("Any", target.tokenizer())

    def answer(
        self,
        prompts: Sequence[Prompt],
        *,
        max_new_tokens: int,
        sampling: Sampling | None = None,
        trained: Path | None = None,
        what: str = "answer",
    ) -> list[Answer]:
        """One answer per prompt, in their order.

        Args:
            prompts, max_new_tokens, sampling, trained, what: see `Answering`.

        Raises:
            UserError: a prompt and the longest answer do not fit into the target's context.
        """
        model = place(trained_model(self.target, trained), self.device)
        self._facts = self._facts or Facts(model, self.device)
        read = [chat_ids(self.tokenizer, prompt.messages) for prompt in prompts]
        lengths = [(prompt.id, len(ids) + max_new_tokens) for prompt, ids in zip(prompts, read, strict=True)]
        check_fits(lengths, self.limit(model), "questions with room for an answer")
        ends = end_tokens(self.tokenizer, model.generation_config)
        made = continue_prompts(
            model, read, ends=ends, max_new_tokens=max_new_tokens, sampling=sampling, batch_size=self.batch_size,
            what=what,
        )  # fmt: skip
        return [self._answer(ids, ends) for ids in made]

    @property
    def context(self) -> int:
        """Tokens the target can read and write in all."""
        return self.limit(frozen(self.target)) or sys.maxsize

    @staticmethod
    def limit(model: Any) -> int | None:
        """The same of a model at hand, None where it has no limit."""
        return getattr(model.config.get_text_config(), "max_position_embeddings", None)

    def length(self, prompt: Prompt) -> int:
        """Tokens of a prompt."""
        return len(chat_ids(self.tokenizer, prompt.messages))

    def facts(self) -> dict[str, Any]:
        """Device, dtype and peak memory."""
        return self._facts.notes() if self._facts else {}

    def _answer(self, ids: list[int], ends: frozenset[int]) -> Answer:
        ended = bool(ids) and ids[-1] in ends
        kept = ids[:-1] if ended else ids
        return Answer(self.tokenizer.decode(kept, skip_special_tokens=True), len(kept), ended)


def continue_prompts(
    model: Any,
    prompts: Sequence[Ids],
    *,
    ends: frozenset[int],
    max_new_tokens: int,
    sampling: Sampling | None = None,
    batch_size: int | None = None,
    what: str = "answer",
) -> list[list[int]]:
    """The continuation of each prompt, its end included; prompts of like length share a batch.

    A batch that does not fit into memory is tried again in halves, and so is every later one.
    """
    order = sorted(range(len(prompts)), key=lambda number: len(prompts[number]))
    size = batch_size or rows_at_once(model, max(map(len, prompts), default=1) + max_new_tokens)
    made: dict[int, list[int]] = {}
    with torch.inference_mode(), tqdm(total=len(order), desc=what, leave=False, disable=_hidden()) as bar:
        while order:
            batch = order[:size]
            given = [prompts[number] for number in batch]
            try:
                found = _continued(model, given, ends=ends, max_new_tokens=max_new_tokens, sampling=sampling)
            except torch.OutOfMemoryError:
                if size == 1:
                    raise
                size = max(1, len(batch) // 2)
                log.warning("out of memory with %d answers at once: going on with %d", len(batch), size)
                gc.collect()
                torch.cuda.empty_cache()
                continue
            made.update(zip(batch, found, strict=True))
            order = order[size:]
            bar.update(len(batch))
    return [made[number] for number in range(len(prompts))]


def rows_at_once(model: Any, tokens: int) -> int:
    """How many answers of so many tokens, prompt included, fit into memory at once."""
    if model.device.type == "cpu":
        return ROWS_ON_CPU
    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    kept = 3 * 2 * config.num_hidden_layers * heads * head_width(config)  # as it grows, and copied when others leave
    read = 4 * (getattr(config, "intermediate_size", None) or 4 * config.hidden_size) + 8 * config.hidden_size
    bytes_each = tokens * (kept + read) * (torch.finfo(model.dtype).bits // 8) + 4 * config.vocab_size
    room = SHARE * memory_for_work(model, model.device)
    return max(1, min(ROWS_ON_GPU, int(room / bytes_each)))


def _continued(
    model: Any, prompts: list[Ids], *, ends: frozenset[int], max_new_tokens: int, sampling: Sampling | None
) -> list[list[int]]:
    if sampling:
        return decode(model, prompts, ends=ends, max_new_tokens=max_new_tokens, choose=drawn(sampling, prompts))
    if model.device.type == "cuda" and max_new_tokens > FEW_TOKENS and choose_form(model.config) == "tree":
        return decode_graphed(model, prompts, ends=ends, max_new_tokens=max_new_tokens)
    return decode(model, prompts, ends=ends, max_new_tokens=max_new_tokens, choose=most_likely)


def _hidden() -> bool:
    return not sys.stderr.isatty()
