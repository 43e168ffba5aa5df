"""The tokens that end an answer, by one rule for predicting, testing, and the target as teacher."""

from collections.abc import Iterable
from typing import Any, cast

from sppl.data.rendering import Rendering
from sppl.schemas import UserError


def end_tokens(rendering: Rendering, generation_config: Any) -> frozenset[int]:
    """Returns the ids that end an answer: the tokenizer's, all of the model's, and the template's end of a turn.

    Raises:
        UserError: there are none.
    """
    tokenizer = cast("Any", rendering.tokenizer)
    ends = {*_ids(tokenizer.eos_token_id), *_ids(getattr(generation_config, "eos_token_id", None)), *rendering.ends}
    if not ends:
        raise UserError(
            f"nothing would end an answer of {tokenizer.name_or_path}: its tokenizer, generation_config.json and chat "
            "template name no token for it. Name one: eos_token in tokenizer_config.json of the model's folder"
        )
    return frozenset(ends)


def _ids(given: int | Iterable[int] | None) -> list[int]:
    return [] if given is None else [given] if isinstance(given, int) else list(given)
