"""Follows a model's own generation settings, or says which of them greedy answers ignore."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import lru_cache
from typing import Any, cast

import torch
from torch import Tensor
from transformers import (
    GenerationConfig,
    LogitsProcessorList,
    MinPLogitsWarper,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    SuppressTokensLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from sppl.generation.decoding import Choose, Ids, draw_each
from sppl.schemas import Sampling, UserError

log = logging.getLogger(__name__)

NO_CHOICE = {
    "bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id", "transformers_version", "use_cache",
    "cache_implementation", "cache_config", "_from_model_config", "trust_remote_code",
}  # fmt: skip
"""Fields of a generation configuration that do not choose tokens."""
LENGTHS = {"max_length", "max_new_tokens"}
"""The benchmark says how long an answer may be."""
BEFORE = {"repetition_penalty": 1.0, "no_repeat_ngram_size": 0, "suppress_tokens": None}
DRAWN = {"temperature": 1.0, "top_k": 50, "top_p": 1.0, "min_p": None}
"""Settings that can be followed, always and in sampling, with transformers' defaults."""
FOLLOWED = {*BEFORE, *DRAWN, *LENGTHS, "do_sample"}


def stated_settings(config: GenerationConfig | None) -> dict[str, Any]:
    """Returns the settings that come with a model and would change an answer."""
    found = config.to_diff_dict() if config else {}
    plain = GenerationConfig._get_default_generation_params()
    said = {name: value for name, value in found.items() if name not in NO_CHOICE and value != plain.get(name)}
    return {name: value for name, value in said.items() if value not in (None, False)}


def say_ignored(name: str, config: GenerationConfig | None, *, followed: bool) -> None:
    """Logs one line per target about its own settings that answers do not follow."""
    said = {key: value for key, value in stated_settings(config).items() if not followed or key in LENGTHS}
    if said:
        _say(name, ", ".join(f"{key}={value}" for key, value in said.items()), followed)


@lru_cache(maxsize=64)
def _say(name: str, ignored: str, followed: bool) -> None:
    how = "its own settings are followed, but for the length, which is the benchmark's" if followed else "greedy"
    more = "" if followed else " (target_model.generation=model follows them, but for the length)"
    log.warning("%s: %s; of its generation_config.json is left out: %s%s", name, how, ignored, more)


def choose_by_settings(config: GenerationConfig, prompts: Sequence[Ids], device: torch.device) -> Choose:
    """Returns a function that chooses tokens by a model's own settings; each prompt has its own random numbers.

    Raises:
        UserError: it has a setting that is not followed here.
    """
    _refuse_unknown(config)
    said = stated_settings(config)
    drawn = bool(said.pop("do_sample", False))
    change = _changes({**BEFORE, **DRAWN, **said}, drawn=drawn, device=device)
    so_far = [list(prompt) for prompt in prompts]
    draw = draw_each(Sampling().seed, prompts)

    def choose(logits: Tensor, places: Sequence[int]) -> list[int]:
        rows = [
            change(cast("Any", torch.tensor([so_far[place]], device=logits.device)), logits[row : row + 1].float())
            for row, place in enumerate(places)
        ]
        scores = torch.cat(rows)
        chosen = draw(scores, places) if drawn else scores.argmax(-1).tolist()
        for place, token in zip(places, chosen, strict=True):
            so_far[place].append(token)
        return chosen

    return choose


@contextmanager
def configure_generate(model: Any, ends: Iterable[int], *, followed: bool) -> Iterator[None]:
    """Within this block the model's `generate` ends at these tokens, and follows its own settings only if asked.

    Raises:
        UserError: it is asked, and has a setting that is not followed.
    """
    bare = model.get_base_model() if hasattr(model, "get_base_model") else model
    own = bare.generation_config
    if followed:
        _refuse_unknown(own)
    bare.generation_config = deepcopy(own) if followed else GenerationConfig()
    bare.generation_config.eos_token_id = sorted(ends)
    try:
        yield
    finally:
        bare.generation_config = own


def _refuse_unknown(config: GenerationConfig) -> None:
    unknown = {key: value for key, value in stated_settings(config).items() if key not in FOLLOWED}
    if unknown:
        listed = ", ".join(f"{key}={value}" for key, value in unknown.items())
        raise UserError(
            f"target_model.generation=model cannot follow {listed} of generation_config.json; it follows do_sample, "
            f"{', '.join([*BEFORE, *DRAWN])}. Take these out of the file, or answer greedily: "
            "target_model.generation=greedy"
        )


def _changes(said: dict[str, Any], *, drawn: bool, device: torch.device) -> LogitsProcessorList:
    """The changes of the logits, in transformers' own order."""
    penalty, size, silent = said["repetition_penalty"], said["no_repeat_ngram_size"], said["suppress_tokens"]
    parts: list[Any] = [RepetitionPenaltyLogitsProcessor(penalty)] if penalty != 1 else []
    parts += [NoRepeatNGramLogitsProcessor(size)] if size else []
    parts += [SuppressTokensLogitsProcessor(silent, device=str(device))] if silent else []
    if drawn:
        parts += [TemperatureLogitsWarper(said["temperature"])] if said["temperature"] != 1 else []
        parts += [TopKLogitsWarper(said["top_k"])] if said["top_k"] else []
        parts += [TopPLogitsWarper(said["top_p"])] if said["top_p"] < 1 else []
        parts += [MinPLogitsWarper(said["min_p"])] if said["min_p"] else []
    return LogitsProcessorList(parts)
