"""Turns text into token ids, for training, scoring and generation alike."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from sppl.data.assistant_turns import locate_turns
from sppl.data.conversations import answer_turns, turns_before
from sppl.data.rendering import Ids, Rendering
from sppl.prompts import Template
from sppl.schemas import Conversation, Message, Question, UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CHAT = Template()


def rendering_of(tokenizer: "PreTrainedTokenizerBase", template: Template = CHAT) -> Rendering:
    """Returns the verified rendering of a tokenizer and a template, made once.

    Raises:
        UserError: see `Rendering`.
    """
    return _made(tokenizer, template, repr((tokenizer.chat_template, tokenizer.eos_token)))


@lru_cache(maxsize=8)
def _made(tokenizer: "PreTrainedTokenizerBase", template: Template, _written: str) -> Rendering:
    return Rendering(tokenizer, template)


def prompt_ids(tokenizer: "PreTrainedTokenizerBase", content: str, template: Template) -> Ids:
    """Returns the ids of one user turn up to where the assistant's answer begins."""
    return chat_ids(tokenizer, [Message(role="user", content=content)], template)


def chat_ids(tokenizer: "PreTrainedTokenizerBase", messages: Sequence[Message], template: Template = CHAT) -> Ids:
    """Returns the ids of a chat up to where the assistant's answer begins."""
    return rendering_of(tokenizer, template).prompt(messages)


def response_ids(tokenizer: "PreTrainedTokenizerBase", text: str, template: Template, *, end: bool) -> Ids:
    """Returns the ids of a response as the template writes it, followed by the end of the turn where `end` is set."""
    turn = rendering_of(tokenizer, template).turn(text, end=end)
    return turn.response + turn.end


def lead_ids(tokenizer: "PreTrainedTokenizerBase", text: str, template: Template) -> Ids:
    """Returns the ids that the template writes between a prompt and this response, mostly none."""
    return rendering_of(tokenizer, template).turn(text, end=False).lead


def alone_ids(tokenizer: "PreTrainedTokenizerBase") -> tuple[int, ...]:
    """Returns the ids before a response without a question: the BOS that the tokenizer opens every text with, or none.

    What only the chat template writes does not count: often it is the mark of a turn, and there is no turn here.
    """
    bos = cast("int | None", tokenizer.bos_token_id)
    return (bos,) if bos is not None and _ids(tokenizer, "", special=True)[:1] == (bos,) else ()


def _ids(tokenizer: "PreTrainedTokenizerBase", text: str, *, special: bool = False) -> tuple[int, ...]:
    return tuple(cast("list[int]", tokenizer(text, add_special_tokens=special)["input_ids"]))


def refuse_changed(
    tokenizer: "PreTrainedTokenizerBase", named: Sequence[tuple[str, Question, str]], template: Template, what: str
) -> None:
    """Refuses responses that the template would write as something else, all in one report.

    Args:
        named: responses as name for messages, question and text.
        what: the kind of texts, for the message.

    Raises:
        UserError: there are some.
    """
    rendering, changed = rendering_of(tokenizer, template), dict[str, str]()
    for name, question, text in named:
        try:
            if isinstance(question, Conversation):
                locate_turns(rendering, turns_before(question), answer_turns(question, text))
            else:
                rendering.turn(text, end=False)
        except UserError as error:
            changed[name] = str(error)
    if changed:
        names = ", ".join([*changed][:5]) + (", ..." if len(changed) > 5 else "")
        raise UserError(
            f"{len(changed)} of {len(named)} {what} cannot be used ({names}): {next(iter(changed.values()))}"
        )


def refuse_unknown(
    tokenizer: "PreTrainedTokenizerBase", items: Sequence[tuple[str, Sequence[int]]], rows: int, what: str
) -> None:
    """Refuses tokens for which the target has no embedding, all in one report.

    Args:
        items: id and tokens of each sequence.
        rows: the number of rows of the embedding.
        what: the kind of sequences, for the message.

    Raises:
        UserError: there are some.
    """
    beyond = {name: max(ids) for name, ids in items if ids and max(ids) >= rows}
    if beyond:
        name, token = next(iter(beyond.items()))
        raise UserError(
            f"{len(beyond)} of {len(items)} {what} hold tokens that the target has no embedding for, such as "
            f"{tokenizer.convert_ids_to_tokens(token)!r} (id {token} of {rows} rows) in {name}: the tokenizer and the "
            "weights are not of one model. Give a folder in which both belong together: target_model.path=FOLDER"
        )


def check_fits(lengths: Sequence[tuple[str, int]], limit: int | None, what: str, way: str = "") -> None:
    """Refuses token sequences longer than the target can read, all in one report.

    Args:
        lengths: id and number of tokens of each sequence.
        limit: the model's number of positions; None where it has no limit.
        what: the kind of sequences, for the message.
        way: how to go on, for the message.

    Raises:
        UserError: one or more do not fit.
    """
    over = [(name, n) for name, n in lengths if limit is not None and n > limit]
    if over:
        worst = max(over, key=lambda item: item[1])
        raise UserError(
            f"{len(over)} of {len(lengths)} {what} are longer than the target's {limit} tokens; "
            f"the longest is {worst[0]} with {worst[1]}{way and f'. {way}'}"
        )
