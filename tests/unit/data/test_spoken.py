"""In a whole conversation exactly what the assistant says is scored and trained, whatever the family.

The expectations come from transformers' own rendering of the whole conversation.
"""

from itertools import pairwise

import pytest

from sppl.data.assistant_turns import locate_turns
from sppl.data.conversations import write_turns
from sppl.data.rendering import Rendering
from sppl.data.tokens import rendering_of
from sppl.models.target import TargetModel
from sppl.prompts import GivenQuestion, SelfAlignedPrompt, Template
from sppl.schemas import Conversation, UserError
from sppl.scoring.pool import Pool
from sppl.scoring.request_builder import RequestBuilder
from sppl.scoring.scoring_settings import Scoring
from sppl.training.training_examples import encode_examples
from tests.unit.data.families import FAMILIES, tokenizer_of

TURNS = [
    {"role": "user", "content": "How much is 3 + 4?"},
    {"role": "assistant", "content": "3 + 4 = 7."},
    {"role": "user", "content": "And 12 - 5, why?"},
    {"role": "assistant", "content": "7\n\nBecause down is where they go."},
    {"role": "user", "content": "no"},
    {"role": "assistant", "content": "yes"},
]
WITHOUT_END = ("alpaca", "baichuan", "falcon", "glm")
"""Families that end a turn with no token of their own: nothing says where one in the middle is over."""
WHOLE = [name for name in FAMILIES if name not in WITHOUT_END]


def rendering(name: str) -> Rendering:
    family = FAMILIES[name]
    return rendering_of(tokenizer_of(family), Template(options=family.options))


@pytest.mark.parametrize("name", WHOLE)
def test_every_turn_of_the_assistant_is_found_in_the_conversation_rendered_once(name):
    how = rendering(name)
    ids, spans = locate_turns(how, TURNS[:1], TURNS[1:])
    whole = how.ids(how.whole_text(TURNS))
    assert ids == whole[: len(ids)]
    assert len(spans) == 3
    for span, turn in zip(spans, TURNS[1::2], strict=True):
        assert how.decoded(ids[span.first : span.last]).strip() == turn["content"]
        assert len(ids[span.last : span.stop]) >= 1
    between = [how.decoded(ids[a.stop : b.start]) for a, b in pairwise(spans)]
    assert all(turn["content"] in text for turn, text in zip(TURNS[2::2], between, strict=True))
    assert not any(turn["content"] in text for turn in TURNS[1::2] for text in between)


@pytest.mark.parametrize("name", FAMILIES)
def test_one_answer_is_scored_and_trained_as_it_is_alone(name):
    how = rendering(name)
    ids, (span,) = locate_turns(how, TURNS[:1], TURNS[1:2])
    turn = how.turn(TURNS[1]["content"], end=True)
    assert ids[: span.start] == how.prompt(TURNS[:1])
    assert ids[span.start : span.first] == turn.lead
    assert ids[span.first : span.last] == turn.response
    assert ids[span.last :] == turn.end


@pytest.mark.parametrize("name", WITHOUT_END)
def test_where_nothing_ends_a_turn_several_are_refused(name):
    with pytest.raises(UserError, match="ends it with no token of its own"):
        locate_turns(rendering(name), TURNS[:1], TURNS[1:])


def test_earlier_answers_are_read_and_not_spoken():
    _, spans = locate_turns(rendering("qwen_2_5"), TURNS[:3], TURNS[3:])
    assert len(spans) == 2


TOOLS = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
    "{% for c in m.tool_calls or [] %}<call>{{ c.function | tojson }}</call>{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CALL = {"type": "function", "function": {"name": "calculator", "arguments": {"task": "3 + 4"}}}
TOOL_TURNS = [
    {"role": "system", "content": "You are kind."},
    TURNS[0],
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "content": "7"},
    {"role": "assistant", "content": "It is 7."},
]


def test_a_call_of_a_tool_is_spoken_and_what_the_tool_returns_is_not():
    how = rendering_of(tokenizer_of(FAMILIES["base_with_chatml"]._replace(template=TOOLS)), Template())
    ids, spans = locate_turns(how, TOOL_TURNS[:2], TOOL_TURNS[2:])
    said = [how.decoded(ids[span.first : span.stop]) for span in spans]
    assert said == [
        '<call>{"name": "calculator", "arguments": {"task": "3 + 4"}}</call><|im_end|>',
        "It is 7.<|im_end|>",
    ]


@pytest.mark.parametrize(
    ("template", "why"),
    [
        (FAMILIES["base_with_chatml"].template, "leaves out turn 3 of 5, the assistant's ('calculator')"),
        (
            TOOLS.replace("messages %}<", "messages if m.role != 'tool' %}<", 1),
            "leaves out turn 4 of 5, the tool's ('7')",
        ),
        (
            TOOLS.replace("messages %}<", "messages if m.role != 'system' %}<", 1),
            "leaves out turn 1 of 5, the system's",
        ),
        (
            "{{ raise_exception('no tools') if messages | length > 3 }}" + TOOLS,
            "cannot write a conversation of the turns",
        ),
        (TOOLS.replace("{{ m.content }}", "{{ m.content | replace('It', 'He') }}"), "does not write it as it is"),
    ],
)
def test_a_template_that_leaves_out_changes_or_refuses_a_turn_is_refused(template, why):
    how = rendering_of(tokenizer_of(FAMILIES["base_with_chatml"]._replace(template=template)), Template())
    turns = [*TOOL_TURNS[:3], {"role": "tool", "content": "7 (seven)"}, *TOOL_TURNS[4:]]
    with pytest.raises(UserError) as caught:
        locate_turns(how, turns[:2], turns[2:])
    assert why.removesuffix("('7')") in str(caught.value)


BODY = "{{ m.content }}<|im_end|>"
MARKED = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' %}{% generation %}"
    + BODY
    + "{% endgeneration %}{% else %}"
    + BODY
    + "{% endif %}\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def chatml(template: str) -> Rendering:
    return rendering_of(tokenizer_of(FAMILIES["base_with_chatml"]._replace(template=template)), Template())


@pytest.mark.parametrize(
    "template",
    [
        MARKED,
        MARKED.replace(BODY + "{% endgen", "{{ m.content }}{% endgen").replace(
            "tion %}{% else", "tion %}<|im_end|>{% else"
        ),
        MARKED.replace("{% endgeneration %}", "\n{%- endgeneration -%}"),
        MARKED.replace(BODY + "{% endgen", "{{ m.content }}{% endgeneration %}{% generation %}<|im_end|>{% endgen"),
    ],
    ids=["turn and its end", "turn alone", "blanks behind", "two blocks"],
)
def test_the_templates_own_marks_give_the_turns_that_prefixes_give(template):
    assert "generation %}" in template
    assert chatml(template).generated(TURNS)
    marked, plain = (
        locate_turns(chatml(template), TURNS[:1], TURNS[1:]),
        locate_turns(rendering("base_with_chatml"), TURNS[:1], TURNS[1:]),
    )
    said = [[how.decoded(found.ids[span.first : span.stop]) for span in found.spans] for how, found in
            ((chatml(template), marked), (rendering("base_with_chatml"), plain))]  # fmt: skip
    assert said[0] == said[1] == [turn["content"] + "<|im_end|>" for turn in TURNS[1::2]]


def test_what_transformers_masks_is_what_is_spoken():
    tokenizer = tokenizer_of(FAMILIES["base_with_chatml"]._replace(template=MARKED))
    made = tokenizer.apply_chat_template(TURNS, return_assistant_tokens_mask=True, return_dict=True)
    ids, spans = locate_turns(chatml(MARKED), TURNS[:1], TURNS[1:])
    own = {at for span in spans for at in range(span.first, span.stop)}
    assert list(ids) == made["input_ids"][: len(ids)]
    assert own == {at for at, one in enumerate(made["assistant_masks"]) if one}


COUNTED = "{{ messages | length }} turns<|im_end|>"


def test_a_template_that_writes_the_beginning_otherwise_later_is_read_by_its_marks_and_refused_without():
    ids, spans = locate_turns(chatml(COUNTED + MARKED), TURNS[:1], TURNS[1:])
    how = chatml(COUNTED + MARKED)
    assert [how.decoded(ids[span.first : span.last]) for span in spans] == [turn["content"] for turn in TURNS[1::2]]
    unmarked = COUNTED + MARKED.replace("{% generation %}", "").replace("{% endgeneration %}", "")
    with pytest.raises(UserError, match="writes what stands before it otherwise"):
        locate_turns(chatml(unmarked), TURNS[:1], TURNS[1:])


def test_marks_around_more_than_the_turn_are_refused():
    more = MARKED.replace(BODY + "{% endgen", BODY + "and more{% endgen")
    with pytest.raises(UserError, match="marks more than it as generated"):
        locate_turns(chatml(more), TURNS[:1], TURNS[1:])


def test_marks_around_some_turns_only_are_no_help_and_no_harm():
    last = MARKED.replace("m.role == 'assistant'", "m.role == 'assistant' and loop.last")
    assert len(chatml(last).generated(TURNS)) == 1
    _, spans = locate_turns(chatml(last), TURNS[:1], TURNS[1:])
    assert len(spans) == 3


@pytest.mark.parametrize("name", [*WHOLE, *WITHOUT_END])
def test_what_is_scored_of_a_conversation_is_what_is_trained_token_for_token(name, tmp_path):
    tokenizer_of(FAMILIES[name]).save_pretrained(tmp_path)
    target = TargetModel(name, str(tmp_path), template_options=FAMILIES[name].options)
    answer = TURNS[1:] if name in WHOLE else TURNS[5:]
    earlier = TURNS[: len(TURNS) - len(answer)]
    question = Conversation("q", earlier[-1]["content"], "7", turns=tuple(earlier), whole=True)
    prompt = SelfAlignedPrompt("{question} {examples}", "{answer}")
    asking = RequestBuilder(target, prompt, Pool((), (), ""), Scoring(end=True))
    (asked,) = asking.responses([(question, write_turns(answer))], GivenQuestion(), steps=False)
    (example,) = encode_examples(target, [(question, write_turns(answer))], "gpt4")
    learnt = [example.response[place] for place in example.learnt]
    scored = [token for _, request in asked.requests for token in request.response]
    lead = rendering_of(target.tokenizer(), target.wrapping).turn("7", end=False).lead
    assert scored == list(asked.ids)
    if not lead:  # what the template writes before a response is trained, and a response is scored after it
        assert scored == learnt
    assert asked.requests[-1][1].prefix + asked.requests[-1][1].response == example.prompt + example.response
    assert asked.turns == tuple(number for number, (_, one) in enumerate(asked.requests) for _ in one.response)
    text = target.tokenizer().decode(learnt)
    assert not any(turn["content"] in text for turn in answer if turn["role"] == "user")
