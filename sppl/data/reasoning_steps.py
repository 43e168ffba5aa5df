"""Assigns every token of a response to its reasoning step."""

from bisect import bisect_right
from typing import TYPE_CHECKING

from sppl.data.tokens import rendering_of
from sppl.prompts import Template, step_starts
from sppl.schemas import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def response_steps(
    tokenizer: "PreTrainedTokenizerBase", text: str, template: Template, *, end: bool
) -> tuple[int, ...]:
    """Returns the reasoning step (0, 1, ...) of every id of `response_ids`; end tokens belong to the last step.

    A token belongs to the step of its last character, so a space before a word goes with the word.

    Raises:
        UserError: the tokenizer does not say which characters a token stands for.
    """
    if not tokenizer.is_fast:
        raise UserError(
            f"{type(tokenizer).__name__} does not tell which characters a token stands for, so steps cannot be found; "
            "leave the metrics that look at steps out of `metric` (local_naturalness, aslec_drop, aslec_casl)"
        )
    rendering = rendering_of(tokenizer, template)
    turn = rendering.turn(text, end=end)
    starts = step_starts(turn.text)
    steps = [bisect_right(starts, max(start, stop - 1, 0)) - 1 for start, stop in rendering.offsets(text)]
    return (*steps, *[steps[-1] if steps else 0] * len(turn.end))
