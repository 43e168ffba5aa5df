"""What ends an answer: one rule for predicting, evaluating, and the target as teacher."""

from collections.abc import Iterable
from typing import Any, cast

from transformers import PreTrainedTokenizerBase

MARK = "\u2402"
"""Stands for an answer in a rendered conversation; no template writes it by itself."""


def end_tokens(tokenizer: PreTrainedTokenizerBase, generation_config: Any) -> frozenset[int]:
    """The ids at which an answer ends: the tokenizer's, all of the model's own, and the template's end of a turn."""
    own, models = cast("Any", tokenizer).eos_token_id, getattr(generation_config, "eos_token_id", None)
    return frozenset([*_ids(own), *_ids(models), *_turn_end(tokenizer)])


def _turn_end(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The token by which the chat template closes an assistant's turn; nothing where it is plain text."""
    if not tokenizer.chat_template:
        return []
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": MARK}]
    rendered = cast("str", tokenizer.apply_chat_template(turns, tokenize=False))
    after = cast("list[int]", tokenizer(rendered.rpartition(MARK)[2], add_special_tokens=False)["input_ids"])
    special = {*tokenizer.all_special_ids, *cast("Any", tokenizer).added_tokens_decoder}
    return [after[0]] if after and after[0] in special else []


def _ids(given: int | Iterable[int] | None) -> list[int]:
    return [] if given is None else [given] if isinstance(given, int) else list(given)
