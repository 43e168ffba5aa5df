"""Which reasoning step each token of a response belongs to."""

from bisect import bisect_right
from typing import TYPE_CHECKING, cast

from sppl.prompts import FRAME_END, Template, step_starts
from sppl.schemas import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def response_steps(
    tokenizer: "PreTrainedTokenizerBase", text: str, template: Template, *, end: bool
) -> tuple[int, ...]:
    """The number (0, 1, ...) of the reasoning step of every id of `response_ids`; its end token is of the last step.

    A token belongs to the step of its last character, so a space before a word goes with the word.

    Raises:
        UserError: the tokenizer does not say which characters a token stands for.
    """
    if not tokenizer.is_fast:
        raise UserError(
            f"{type(tokenizer).__name__} does not tell which characters a token stands for, so steps cannot be found; "
            "leave the metrics that look at steps out of `metric` (local_naturalness, aslec_drop, aslec_casl)"
        )
    before = f"{FRAME_END} " if template.kind == "paper" else ""
    starts = [0, *(len(before) + start for start in step_starts(text)[1:])]
    skipped = len(_offsets(tokenizer, FRAME_END)) if before else 0
    offsets = _offsets(tokenizer, before + text)[skipped:]
    steps = [bisect_right(starts, max(start, stop - 1)) - 1 for start, stop in offsets]
    return (*steps, steps[-1] if steps else 0) if end else tuple(steps)


def _offsets(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[tuple[int, int]]:
    found = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return cast("list[tuple[int, int]]", found["offset_mapping"])
