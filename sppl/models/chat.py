"""Writes conversations by a tokenizer's chat template, on a fixed day, or says in a sentence why it cannot."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from sppl.prompts import Template, paper_frame
from sppl.schemas import Message, UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

GIVEN = {"messages", "tools", "documents", "add_generation_prompt", "raise_exception", "strftime_now"}
"""Variables that every template is given."""
RAISED = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)
"""Errors that templates raise beside Jinja's own, as they may hold any expression."""
GENERATION = re.compile(r"\{%-?\s*generation\b")
"""Matches the mark of a block that the assistant writes."""
OURS = GIVEN - {"tools", "documents"}
"""Variables that are set by each use, so that no option may set them."""


def write_chat(tokenizer: "PreTrainedTokenizerBase", turns: Sequence[Message], template: Template, *, ask: bool) -> str:
    """Returns the text of a conversation; with `ask` up to where the assistant is to answer.

    Raises:
        UserError: the template refuses the conversation, or is broken.
    """
    if template.kind == "paper":
        if any(turn["role"] == "tool" or turn.get("tool_calls") for turn in turns):
            raise UserError("the plain frame has no place for tools; take the target's own: target_model.template=chat")
        return paper_frame(turns, template.system)
    return _written(tokenizer, turns, template, ask=ask)


def generated_spans(
    tokenizer: "PreTrainedTokenizerBase", turns: Sequence[Message], template: Template
) -> list[tuple[int, int]]:
    """Returns the spans in a finished conversation's text that the template itself marks as the assistant's.

    Blocks between `{% generation %}` and `{% endgeneration %}`, those that touch each other as one; none where the
    template has no such blocks.
    """
    if template.kind == "paper" or not GENERATION.search(_source(tokenizer, template)):
        return []
    places, joined = list[tuple[int, int]](), list[tuple[int, int]]()
    _written(tokenizer, turns, template, ask=False, places=places)
    for start, stop in places:
        touching = bool(joined) and joined[-1][1] == start
        joined[-1:] = [(joined[-1][0], stop)] if touching else [*joined[-1:], (start, stop)]
    return [(start, stop) for start, stop in joined if stop > start]


def _source(tokenizer: "PreTrainedTokenizerBase", template: Template) -> str:
    return tokenizer.get_chat_template(template.options.get("chat_template"))


def _written(
    tokenizer: "PreTrainedTokenizerBase",
    turns: Sequence[Message],
    template: Template,
    *,
    ask: bool,
    places: list[tuple[int, int]] | None = None,
) -> str:
    """The text of a conversation; fills `places` with the spans that the template marks as generated."""
    from jinja2 import TemplateError

    today = date.fromisoformat(template.date)
    options = {name: value for name, value in template.options.items() if name != "chat_template"}
    given = {"tools": None, "documents": None, **tokenizer.special_tokens_map, **options}
    given |= {"messages": [dict(turn) for turn in turns], "add_generation_prompt": ask}
    given["strftime_now"] = lambda form: today.strftime(form)  # transformers' own says another day every day
    try:
        compiled = _compiled(_source(tokenizer, template))
        if places is None:
            return compiled.render(**given)
        blocks: list[str] = []
        with compiled.environment.activate_tracker(blocks, places):
            blocks.extend(compiled.generate(**given))
        return "".join(blocks)
    except (TemplateError, *RAISED) as error:
        roles = ", ".join(turn["role"] for turn in turns)
        raise UserError(
            f"the chat template of {tokenizer_name(tokenizer)} cannot write a conversation of the turns {roles} "
            f"({type(error).__name__}: {' '.join(str(error).split())[:200]}). Mend chat_template.jinja in the model's "
            "folder, or take the plain frame: target_model.template=paper"
        ) from error


def refuse_unwritten(tokenizer: "PreTrainedTokenizerBase", text: str, turns: Sequence[Message]) -> None:
    """Refuses a text that lacks a turn of the system, the user or a tool, or the call of a tool.

    Raises:
        UserError: the template has left it out.
    """
    there = _letters(text)
    for place, turn in enumerate(turns, start=1):
        said = [] if turn["role"] == "assistant" else [turn["content"]]
        said += [call["function"]["name"] for call in turn.get("tool_calls") or []]
        gone = [one for one in said if _letters(one) not in there and _letters(json.dumps(one)[1:-1]) not in there]
        if gone:
            raise UserError(
                f"the chat template of {tokenizer_name(tokenizer)} leaves out turn {place} of {len(turns)}, the "
                f"{turn['role']}'s ({gone[0][:60]!r}); mend chat_template.jinja in the model's folder, or take a "
                "target whose template writes such turns"
            )


def _letters(text: str) -> str:
    return "".join(text.split())


def check_template(tokenizer: "PreTrainedTokenizerBase", template: Template) -> None:
    """Refuses a tokenizer without the chat template that is asked for, and options it does not know.

    Raises:
        UserError: the message names the templates or the options there are.
    """
    if template.kind == "paper":
        return
    written: Any = tokenizer.chat_template
    name = template.options.get("chat_template")
    if isinstance(written, Mapping):
        names = ", ".join(sorted(written))
        if (name or "default") not in written:
            asked = f"none called {name!r}" if name else "no default among them"
            raise UserError(
                f"{tokenizer_name(tokenizer)} has the chat templates {names}, and {asked}; say which: "
                f"target_model.template_options={{chat_template: {sorted(written)[0]}}}"
            )
        written = written[name or "default"]
    elif name is not None:
        raise UserError(
            f"{tokenizer_name(tokenizer)} has a single chat template, and target_model.template_options names {name!r} "
            "of several; leave chat_template out"
        )
    if not written:
        raise UserError(
            f"the tokenizer of {tokenizer_name(tokenizer)} has no chat template; use an instruction-tuned model, or "
            "the plain frame: target_model.template=paper"
        )
    known = {name for name in _variables(written, tokenizer) - GIVEN if not name.endswith("_token")}
    given = set(template.options) - {"chat_template"}
    if wrong := sorted((given - known - {"tools", "documents"}) | (given & OURS)):
        there = f"it reads {', '.join(sorted(known))}" if known else "it reads none"
        raise UserError(
            f"the chat template of {tokenizer_name(tokenizer)} has no option {', '.join(wrong)}; {there}: "
            "target_model.template_options={NAME: VALUE}"
        )


def tokenizer_name(tokenizer: "PreTrainedTokenizerBase") -> str:
    """Returns the tokenizer's name for messages: where it came from."""
    return str(getattr(tokenizer, "name_or_path", "") or type(tokenizer).__name__)


def _variables(written: str, tokenizer: "PreTrainedTokenizerBase") -> set[str]:
    """The variables a template reads without having set them.

    Raises:
        UserError: it is no Jinja.
    """
    from jinja2 import TemplateError, meta

    try:
        return set(meta.find_undeclared_variables(_compiled(written).environment.parse(written)))
    except (TemplateError, *RAISED) as error:
        raise UserError(
            f"the chat template of {tokenizer_name(tokenizer)} is no template that can be read ({error}); mend "
            "chat_template.jinja in the model's folder, or take the plain frame: target_model.template=paper"
        ) from error


def _compiled(written: str) -> Any:
    """The template, in the sandbox and with the functions that transformers gives it."""
    from transformers.utils.chat_template_utils import _compile_jinja_template

    return _compile_jinja_template(written)
