"""Questions with their responses as token ids, as a training reads them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from sppl.models.target import TargetModel
from sppl.schemas import Conversation, Question

if TYPE_CHECKING:
    from sppl.training.batches import Example


def encoded(target: TargetModel, pairs: Sequence[tuple[Question, str]], strategy: str) -> "list[Example]":
    """The training examples; learnt is all that the target has to write by itself."""
    from sppl.data.conversations import answer_turns, before
    from sppl.data.spoken import spoken
    from sppl.data.tokens import refuse_changed, rendering_of
    from sppl.training.batches import Example

    tokenizer, template = target.tokenizer(), target.asking
    refuse_changed(tokenizer, [(f"{q.id} of {strategy}", q, text) for q, text in pairs], template, "responses")
    rendering, found = rendering_of(tokenizer, template), list[Example]()
    for question, text in pairs:
        earlier = before(question)
        if isinstance(question, Conversation):
            ids, spans = spoken(rendering, earlier, answer_turns(question, text))
            start = spans[0].start
            given = tuple((one.stop - start, other.start - start) for one, other in pairwise(spans))
            found.append(Example(question.id, ids[:start], ids[start:], given))
        else:
            turn = rendering.turn(text, end=True)
            found.append(Example(question.id, rendering.prompt(earlier), turn.lead + turn.response + turn.end))
    return found
