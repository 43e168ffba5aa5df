"""Finds the documents of an lm-eval task that fit into a model's context, as lm-eval would cut the others."""

import logging
from typing import Any, Literal

from sppl.schemas import UserError

log = logging.getLogger(__name__)


def fitting_documents(
    wrapped: Any, task: Any, longest: int, limit: int | None, overlong: Literal["refuse", "skip"]
) -> tuple[list[int], int]:
    """Returns the numbers of the documents that fit with room for an answer, and how many do not.

    Args:
        wrapped: lm-eval's wrapper of the model.
        task: one of lm-eval's.
        longest: tokens the model can read and write in all.
        limit: how many documents are used; None for all.
        overlong: whether what does not fit is refused or left out.

    Raises:
        UserError: a document does not fit and is not to be skipped, or none fits.
    """
    task.set_fewshot_seed(seed=1234)
    task.build_all_requests(
        limit=limit, rank=0, world_size=1, apply_chat_template=True, fewshot_as_multiturn=True,
        chat_template=wrapped.apply_chat_template, tokenizer_name=wrapped.tokenizer_name,
    )  # fmt: skip
    lengths: dict[int, int] = {}
    for request in task.instances:
        lengths[request.doc_id] = max(lengths.get(request.doc_id, 0), _length(wrapped, request))
    long = {document: length for document, length in lengths.items() if length > longest}
    fitting = [document for document in lengths if document not in long]
    if long and (overlong == "refuse" or not fitting):
        worst = max(long, key=lambda document: long[document])
        way = "leave them out for all models: benchmark.overlong=skip" if fitting else "take one with a longer context"
        raise UserError(
            f"{len(long)} of {len(lengths)} documents of benchmark.also={task.task_name} do not fit into the target's "
            f"{longest} tokens with room for an answer; the longest is number {worst} with {long[worst]}: {way}"
        )
    if long:
        named = ", ".join(map(str, [*long][:5])) + (", ..." if len(long) > 5 else "")
        log.warning("%s: %d of %d documents left out, too long: %s", task.task_name, len(long), len(lengths), named)
    return fitting, len(long)


def _length(wrapped: Any, request: Any) -> int:
    """Tokens of a request, with those the model may write."""
    from lm_eval.models.utils import normalize_gen_kwargs

    if request.request_type == "generate_until":
        context, how = request.args
        return len(wrapped.tok_encode(context)) + normalize_gen_kwargs(how, wrapped.max_gen_toks).get("max_gen_toks", 0)
    if request.request_type == "loglikelihood":
        context, continuation = request.args
        parts = wrapped._encode_pair(context, continuation) if context else ([0], wrapped.tok_encode(continuation))
        return sum(map(len, parts)) - 1  # the last token is not read
    return 0  # a text that is scored as a whole is read in windows, nothing of it is lost
