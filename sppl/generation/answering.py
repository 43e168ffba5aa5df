"""Generates answers of the target and its fine-tuned copies in this process."""

import gc
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from sppl.data.tokens import check_fits, refuse_unknown, rendering_of
from sppl.generation.answer import Answer, Overlong, Prompt
from sppl.generation.batch_trial import decode_alone, decoder_of
from sppl.generation.decoding import Choose, Ids, decode, most_likely, sample_tokens
from sppl.generation.ends import end_tokens
from sppl.generation.graphed import decode_graphed
from sppl.generation.own_settings import choose_by_settings, say_ignored
from sppl.hardware.device import DeviceFacts, memory_for_work, place
from sppl.hardware.recording import can_record
from sppl.models.loading import context_length, embedding_rows
from sppl.models.positions import same_positions
from sppl.models.target import TargetModel, frozen_target
from sppl.schemas import Sampling, UserError
from sppl.scoring.attention import head_width
from sppl.scoring.forms import choose_form
from sppl.scoring.model_checks import check_model
from sppl.training.trained import load_trained

log = logging.getLogger(__name__)

WAY = "Lower benchmark.max_new_tokens, or leave these out for all models: benchmark.overlong=skip"
ROWS_ON_CPU = 64
ROWS_ON_GPU = 1024
"""The largest batches; on a GPU memory may allow fewer."""
FEW_TOKENS = 16
"""For answers up to this length it does not pay to record a step."""
SHARE = 0.6
"""Share of the memory beside the weights for keys, values and the reading of prompts."""


class LocalAnswering:
    """Answers prompts with the target or, one after the other, models trained from it, in this process.

    Args:
        target: the target, prompted in its own chat template.
        device: the device it runs on.
        batch_size: prompts at once; None: what memory allows, 64 on a CPU.
    """

    def __init__(self, target: TargetModel, device: torch.device, batch_size: int | None = None) -> None:
        self.target, self.device, self.batch_size = target, device, batch_size
        self._facts: DeviceFacts | None = None
        self.rendering = rendering_of(target.tokenizer(), target.asking)

    def answer(
        self,
        prompts: Sequence[Prompt],
        *,
        max_new_tokens: int,
        sampling: Sampling | None = None,
        trained: Path | None = None,
        overlong: Overlong = "refuse",
        what: str = "answer",
    ) -> list[Answer | None]:
        """Returns one answer per prompt, in their order; None for prompts that are left out.

        Args:
            prompts, max_new_tokens, sampling, trained, overlong, what: see `Answering`.

        Raises:
            UserError: the model cannot answer, or a prompt does not fit and is not to be skipped.
        """
        model = place(load_trained(self.target, trained), self.device)
        check_model(model)
        self._facts = self._facts or DeviceFacts(model, self.device)
        own, followed = model.generation_config, self.target.generation == "model"
        if sampling and followed:
            raise UserError(
                "benchmark.sampling says how answers are drawn, and target_model.generation=model that the model's own "
                "settings do; say one of them: benchmark.sampling.temperature=0 or target_model.generation=greedy"
            )
        say_ignored(self.target.name, own, followed=followed)
        read = [self.rendering.prompt(prompt.messages) for prompt in prompts]
        named = [(prompt.id, ids) for prompt, ids in zip(prompts, read, strict=True)]
        limit, ends = context_length(model.config), end_tokens(self.rendering, own)
        if overlong == "refuse":
            lengths = [(name, len(ids) + max_new_tokens) for name, ids in named]
            check_fits(lengths, limit, "questions with room for an answer", WAY)
        refuse_unknown(self.rendering.tokenizer, named, embedding_rows(model), "questions")
        fits = [limit is None or len(ids) + max_new_tokens <= limit for ids in read]
        made = iter(continue_prompts(
            model, [ids for ids, fit in zip(read, fits, strict=True) if fit], ends=ends, max_new_tokens=max_new_tokens,
            sampling=sampling, settings=own if followed else None, batch_size=self.batch_size, what=what,
        ))  # fmt: skip
        return [self._answer(next(made), ends) if fit else None for fit in fits]

    @property
    def context(self) -> int:
        """The tokens that the target can read and write in all."""
        return context_length(frozen_target(self.target).config) or sys.maxsize

    def length(self, prompt: Prompt) -> int:
        """Returns the tokens of a prompt."""
        return len(self.rendering.prompt(prompt.messages))

    def facts(self) -> dict[str, Any]:
        """Returns device, dtype and peak memory."""
        return self._facts.notes() if self._facts else {}

    def _answer(self, ids: list[int], ends: frozenset[int]) -> Answer:
        ended = bool(ids) and ids[-1] in ends
        kept = ids[:-1] if ended else ids
        return Answer(self.rendering.read(kept), len(kept), ended)


def continue_prompts(
    model: Any,
    prompts: Sequence[Ids],
    *,
    ends: frozenset[int],
    max_new_tokens: int,
    sampling: Sampling | None = None,
    settings: Any = None,
    batch_size: int | None = None,
    what: str = "answer",
) -> list[list[int]]:
    """Returns the continuation of each prompt, its end included; prompts of similar length share a batch.

    A batch that does not fit into memory is tried again in halves, and so is every later one. Where positions change
    with the length of a pass, only prompts for which they are the same share one, and answers on the way to others are
    generated one at a time.

    Args:
        sampling: how tokens are sampled; None for no sampling.
        settings: a generation configuration that says how tokens are chosen; None for the most likely ones.
    """
    size = batch_size or fit_rows(model, max(map(len, prompts), default=1) + max_new_tokens)
    way, made = decoder_of(model), dict[int, list[int]]()
    if way is decode and not sampling and not settings and _graphs(model, max_new_tokens):
        way = decode_graphed
    with torch.inference_mode(), tqdm(total=len(prompts), desc=what, leave=False, disable=_hidden()) as bar:
        for order, alone in _sharing(model, prompts, max_new_tokens):
            here = decode_alone if alone else way
            while order:
                batch = order[:size]
                given = [prompts[number] for number in batch]
                how = {} if here is decode_graphed else {"choose": _chooser(model, given, sampling, settings)}
                try:
                    found = here(model, given, ends=ends, max_new_tokens=max_new_tokens, **how)
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


def _sharing(model: Any, prompts: Sequence[Ids], max_new_tokens: int) -> list[tuple[list[int], bool]]:
    """The numbers of prompts that may share batches, shortest first, and whether each has to be answered alone."""
    alike, groups = same_positions(model.config.get_text_config()), dict[tuple[Any, bool], list[int]]()
    for number in sorted(range(len(prompts)), key=lambda number: len(prompts[number])):
        begun, ended = alike(len(prompts[number])), alike(len(prompts[number]) + max_new_tokens)
        groups.setdefault((begun, begun != ended), []).append(number)
    return [(order, alone) for (_, alone), order in groups.items()]


def fit_rows(model: Any, tokens: int) -> int:
    """Returns how many answers of so many tokens, prompt included, fit into memory at once."""
    if model.device.type == "cpu":
        return ROWS_ON_CPU
    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    kept = 3 * 2 * config.num_hidden_layers * heads * head_width(config)  # as it grows, and copied when others leave
    read = 4 * (getattr(config, "intermediate_size", None) or 4 * config.hidden_size) + 8 * config.hidden_size
    bytes_each = tokens * (kept + read) * (torch.finfo(model.dtype).bits // 8) + 4 * config.vocab_size
    room = SHARE * memory_for_work(model, model.device)
    return max(1, min(ROWS_ON_GPU, int(room / bytes_each)))


def _graphs(model: Any, max_new_tokens: int) -> bool:
    """Whether steps can be recorded and are worth it.

    Their mask says what may be read of buffers longer than what was written, which only `sdpa` understands.
    """
    masked = model.config._attn_implementation == "sdpa"
    full = choose_form(model.config) == "tree" and can_record(model)
    return model.device.type == "cuda" and max_new_tokens > FEW_TOKENS and masked and full


def _chooser(model: Any, prompts: Sequence[Ids], sampling: Sampling | None, settings: Any) -> Choose:
    if sampling:
        return sample_tokens(sampling, prompts)
    return choose_by_settings(settings, prompts, model.device) if settings else most_likely


def _hidden() -> bool:
    return not sys.stderr.isatty()
