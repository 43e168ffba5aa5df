"""Encodes questions with their responses as training examples."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from sppl.bounds import Count, fits
from sppl.models.target import TargetModel
from sppl.schemas import Conversation, Question, UserError

if TYPE_CHECKING:
    from sppl.training.batches import Example


def encode_examples(target: TargetModel, pairs: Sequence[tuple[Question, str]], strategy: str) -> "list[Example]":
    """Returns the training examples, in which everything that the target has to write itself is learnt."""
    from sppl.data.assistant_turns import locate_turns
    from sppl.data.conversations import answer_turns, turns_before
    from sppl.data.tokens import refuse_changed, rendering_of
    from sppl.training.batches import Example

    tokenizer, template = target.tokenizer(), target.asking
    refuse_changed(tokenizer, [(f"{q.id} of {strategy}", q, text) for q, text in pairs], template, "responses")
    rendering, found = rendering_of(tokenizer, template), list[Example]()
    for question, text in pairs:
        earlier = turns_before(question)
        if isinstance(question, Conversation):
            ids, spans = locate_turns(rendering, earlier, answer_turns(question, text))
            start = spans[0].start
            given = tuple((one.stop - start, other.start - start) for one, other in pairwise(spans))
            found.append(Example(question.id, ids[:start], ids[start:], given))
        else:
            turn = rendering.turn(text, end=True)
            found.append(Example(question.id, rendering.prompt(earlier), turn.lead + turn.response + turn.end))
    return found


def first_tokens(
    target: TargetModel, pairs: Sequence[tuple[Question, str]], strategy: str, most: int
) -> list[tuple[Question, str]]:
    """Returns the first responses that have at most `most` learnt tokens together.

    Raises:
        UserError: all of them have fewer, so that strategies would not be trained on equal tokens; or the first alone
            has more.
    """
    if not fits(most, Count):
        raise UserError(f"n_train_tokens={most!r} is not a whole number above 0, nor null")
    sums = list(accumulate(len(one.learnt) for one in encode_examples(target, pairs, strategy)))
    if not sums or sums[-1] < most:
        there = sums[-1] if sums else 0
        raise UserError(
            f"n_train_tokens={most}, and the {len(pairs)} responses of {strategy} have {there:,} tokens: trained on "
            f"fewer than the others it could not be compared with them. Take more responses (n_train), or "
            f"n_train_tokens={there} or less"
        )
    kept = sum(total <= most for total in sums)
    if not kept:
        raise UserError(
            f"n_train_tokens={most} is less than the first response of {strategy} has ({sums[0]:,} tokens); take more"
        )
    return list(pairs[:kept])
