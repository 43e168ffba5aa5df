"""From text to token ids: the one place that decides where a prompt ends and a response begins.

Training, scoring and generation all use these three functions, so they see the same ids: the prompt comes from the
target's template, which alone adds the first token; the response is tokenised by itself, without special tokens, and
appended.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from sppl.prompts import FRAME_END, Template, paper_frame
from sppl.schemas import Message, UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def prompt_ids(tokenizer: "PreTrainedTokenizerBase", content: str, template: Template) -> tuple[int, ...]:
    """Ids of one user turn up to where the assistant's answer begins."""
    if template.kind == "paper":
        return _ids(tokenizer, paper_frame(content, template.system), special=True)
    return chat_ids(tokenizer, [Message(role="user", content=content)])


def chat_ids(tokenizer: "PreTrainedTokenizerBase", messages: Sequence[Message]) -> tuple[int, ...]:
    """Ids of a chat up to where the assistant's answer begins."""
    chat = cast("list[dict[str, str]]", list(messages))
    ids = tokenizer.apply_chat_template(chat, tokenize=True, add_generation_prompt=True, return_dict=False)
    return tuple(cast("list[int]", ids))


def alone_ids(tokenizer: "PreTrainedTokenizerBase") -> tuple[int, ...]:
    """What stands before a response without a question: the BOS the tokenizer opens every text with, or nothing.

    What only the chat template writes does not count: often it is the mark of a turn, and there is no turn here.
    """
    bos = cast("int | None", tokenizer.bos_token_id)
    return (bos,) if bos is not None and _ids(tokenizer, "", special=True)[:1] == (bos,) else ()


def response_ids(tokenizer: "PreTrainedTokenizerBase", text: str, template: Template, *, end: bool) -> tuple[int, ...]:
    """Ids of a response, with the end-of-turn token after it where `end` is set."""
    if template.kind == "paper":  # the response follows the frame after one space, as part of the same text
        ids = _ids(tokenizer, f"{FRAME_END} {text}")[len(_ids(tokenizer, FRAME_END)) :]
    else:
        ids = _ids(tokenizer, text)
    return (*ids, cast("int", tokenizer.eos_token_id)) if end else ids


def _ids(tokenizer: "PreTrainedTokenizerBase", text: str, *, special: bool = False) -> tuple[int, ...]:
    return tuple(cast("list[int]", tokenizer(text, add_special_tokens=special)["input_ids"]))


def check_fits(lengths: Sequence[tuple[str, int]], limit: int | None, what: str) -> None:
    """Refuses token sequences longer than the target can read, all in one report.

    Args:
        lengths: id and number of tokens of each sequence.
        limit: the model's number of positions; None where it has no limit.
        what: what the sequences are, for the message.

    Raises:
        UserError: one or more do not fit.
    """
    over = [(name, n) for name, n in lengths if limit is not None and n > limit]
    if over:
        worst = max(over, key=lambda item: item[1])
        raise UserError(
            f"{len(over)} of {len(lengths)} {what} are longer than the target's {limit} tokens; "
            f"the longest is {worst[0]} with {worst[1]}"
        )
