"""Questions with their responses as token ids, as a training reads them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sppl.models.target import TargetModel
from sppl.schemas import Question

if TYPE_CHECKING:
    from sppl.training.batches import Example


def encoded(target: TargetModel, pairs: Sequence[tuple[Question, str]], strategy: str) -> "list[Example]":
    """The training examples; learnt is all that the target has to write by itself."""
    from sppl.data.tokens import refuse_changed, rendering_of
    from sppl.generation.answer import prompts_of
    from sppl.training.batches import Example

    tokenizer, template = target.tokenizer(), target.asking
    refuse_changed(tokenizer, {f"{q.id} of {strategy}": text for q, text in pairs}, template, "responses")
    rendering, prompts = rendering_of(tokenizer, template), prompts_of([question for question, _ in pairs])
    turns = [rendering.turn(text, end=True) for _, text in pairs]
    return [
        Example(prompt.id, rendering.prompt(prompt.messages), turn.lead + turn.response + turn.end)
        for prompt, turn in zip(prompts, turns, strict=True)
    ]
