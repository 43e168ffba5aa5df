"""What stands between a prompt and a response, what ends a turn, and what is refused because it cannot be right."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, pre_tokenizers

from sppl.data.reasoning_steps import response_steps
from sppl.data.tokens import chat_ids, lead_ids, refuse_changed, rendering_of, response_ids
from sppl.models.target import TargetModel
from sppl.prompts import Template
from sppl.schemas import Question, UserError
from tests.unit.data.families import CHATML, FAMILIES, IM, Family, tokenizer_of

ASKED = [{"role": "user", "content": "Why?"}]
THINKING, SILENT = FAMILIES["qwen_3"], FAMILIES["qwen_3_not_thinking"]


def ids(tokenizer, text: str) -> tuple[int, ...]:
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])


@pytest.fixture(scope="module")
def thinking():
    return tokenizer_of(THINKING)


def test_a_response_that_brings_its_own_thoughts_gets_no_empty_ones(thinking):
    text = "<think>\n3 and 4\n</think>\n\n7"
    turn = rendering_of(thinking).turn(text, end=False)
    assert turn.lead == ()
    assert turn.response == ids(thinking, text)
    assert rendering_of(thinking).turn("7", end=False).lead == ids(thinking, "<think>\n\n</think>\n\n")


def test_thoughts_are_no_part_of_a_generated_response(thinking):
    rendering = rendering_of(thinking)
    assert rendering.read(ids(thinking, "<think>\nhm, 3 and 4\n</think>\n\n7")) == "7"
    assert rendering.read(ids(thinking, "<think>\nhm, 3 and")) == "<think>\nhm, 3 and"  # cut off: nothing else is there


def test_channels_before_a_response_are_no_part_of_it():
    tokenizer = tokenizer_of(FAMILIES["gpt_oss"])
    said = "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>7"
    assert rendering_of(tokenizer).read(ids(tokenizer, said)) == "7"


def test_an_option_of_the_template_changes_prompts_and_what_stands_before_a_response(thinking):
    silent = Template(options=SILENT.options)
    assert chat_ids(thinking, ASKED, silent) == chat_ids(thinking, ASKED) + ids(thinking, "<think>\n\n</think>\n\n")
    assert lead_ids(thinking, "7", silent) == ()


def test_a_template_with_a_clock_is_told_the_day_of_the_settings():
    tokenizer = tokenizer_of(FAMILIES["llama_3_dated"])
    assert "Today: 26 Jul 2024" in rendering_of(tokenizer).prompt_text(ASKED)
    assert "Today: 05 Mar 2031" in rendering_of(tokenizer, Template(date="2031-03-05")).prompt_text(ASKED)


def test_a_prompt_that_opens_a_thought_which_a_finished_answer_lacks_is_left_without_it(caplog):
    tokenizer = tokenizer_of(FAMILIES["deepseek_r1"])
    tokenizer.name_or_path = "r1"
    rendering = rendering_of(tokenizer)
    assert rendering.prompt_text(ASKED) == "<s><|User|>Why?<|Assistant|>"
    assert "r1: the template asks with" in caplog.text
    assert "are asked for, scored and trained after the latter" in caplog.text


def test_a_response_whose_thoughts_the_template_drops_is_refused_by_name():
    tokenizer = tokenizer_of(FAMILIES["deepseek_r1"])
    texts = {"q1 of gpt4": "7", "q2 of gpt4": "<think>\nhm\n</think>\n\n7", "q3 of gpt4": "<think></think>8"}
    named = [(name, Question(name, "?", ""), text) for name, text in texts.items()]
    with pytest.raises(UserError, match=r"2 of 3 responses cannot be used \(q2 of gpt4, q3 of gpt4\): .*</think>"):
        refuse_changed(tokenizer, named, Template(), "responses")


def test_a_header_that_follows_in_any_case_does_not_end_a_turn():
    family = Family("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}<|assistant|>",
                    "<|assistant|>", "<|end|>", specials=("<|user|>", "<|assistant|>"))  # fmt: skip
    tokenizer = tokenizer_of(family)
    assert rendering_of(tokenizer).turn("7", end=True).end == ids(tokenizer, "<|end|>")


def test_all_tokens_that_end_a_turn_together_are_trained_and_the_first_ends_an_answer():
    tokenizer = tokenizer_of(FAMILIES["command_r_7b"])
    assert rendering_of(tokenizer).turn("7", end=True).end == ids(tokenizer, "<|/SAY|><|END|>")
    assert rendering_of(tokenizer).ends == {*ids(tokenizer, "<|/SAY|>")}


def test_a_turns_end_that_is_no_token_is_said_and_end_of_sequence_is_taught(caplog):
    tokenizer = tokenizer_of(Family(CHATML, "", "</s>"))
    assert rendering_of(tokenizer).turn("7", end=True).end == (tokenizer.eos_token_id,)
    assert "closes a response with the text '<|im_end|>\\n', which is no token" in caplog.text


def test_without_anything_that_ends_a_turn_responses_can_be_scored_but_not_trained():
    tokenizer = tokenizer_of(FAMILIES["baichuan"]._replace(eos=None))
    assert response_ids(tokenizer, "7", Template(), end=False) == ids(tokenizer, "7")
    with pytest.raises(UserError, match=r"nothing ends a turn of .* eos_token in tokenizer_config.json"):
        response_ids(tokenizer, "7", Template(), end=True)


def test_a_tokenizer_that_joins_prompt_and_response_is_refused_with_what_differs():
    tokenizer = tokenizer_of(FAMILIES["falcon"])
    tokenizer.chat_template = (
        FAMILIES["falcon"].template.replace("}}Falcon:{%", "}}Falcon: {%").replace("%}Falcon:{%", "%}Falcon: {%")
    )
    with pytest.raises(UserError, match=r"are not the tokens of the whole conversation.*ends in a space"):
        rendering_of(tokenizer)


def test_a_tokenizer_that_joins_a_line_break_with_the_next_word_is_refused():
    tokenizer = tokenizer_of(FAMILIES["gemma"])
    split = pre_tokenizers.Split(Regex(r"\s?\w+|\s?[^\s\w]+|\s+"), "isolated")
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, level])
    tokenizer.backend_tokenizer.add_tokens(["\nBecause"])
    with pytest.raises(UserError, match="so what is trained would not be what is asked"):
        rendering_of(tokenizer)


def test_a_response_whose_first_characters_would_join_the_prompt_keeps_the_prompt_as_it_is_asked():
    tokenizer = tokenizer_of(FAMILIES["qwen_2_5"])
    rendering = rendering_of(tokenizer)
    turn = rendering.turn("\n\nSo.", end=True)
    assert turn.response == ids(tokenizer, "\n\nSo.")
    assert tokenizer.decode(rendering.prompt(ASKED) + turn.response).endswith("assistant\n\n\nSo.")


@pytest.mark.parametrize("kind", ["byte_level", "metaspace", "unigram", "word_pieces"])
def test_every_token_of_a_response_has_its_step_whatever_stands_before_it(kind):
    tokenizer = tokenizer_of(FAMILIES["llama_2"], kind)
    text = "The plums fall.\nFinal Answer: 7"
    steps = response_steps(tokenizer, text, Template(), end=True)
    tokens = response_ids(tokenizer, text, Template(), end=True)
    assert len(steps) == len(tokens)
    first = [token for token, step in zip(tokens, steps, strict=True) if step == 0]
    assert tokenizer.decode(first).strip() == "The plums fall."
    assert sorted(set(steps)) == [0, 1]


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30))
def test_what_is_trained_is_read_back_as_the_response_it_was_made_of(text):
    for name in ("qwen_2_5", "qwen_3", "gpt_oss", "command_r_7b"):
        tokenizer = TOKENIZERS[name]
        turn = rendering_of(tokenizer).turn(text, end=False)
        assert rendering_of(tokenizer).read(turn.lead + turn.response) == text


TOKENIZERS = {name: tokenizer_of(FAMILIES[name]) for name in ("qwen_2_5", "qwen_3", "gpt_oss", "command_r_7b")}


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{% for m in messages %}{{ m.role }}{% endfor %}", "writes a response 0 times"),
        ("{% for m in messages %}{{ m.content }} {{ m.content }}{% endfor %}", "writes a response 2 times"),
        ("{% for m in messages %}{{ m.parts[0] }}{% endfor %}", "cannot write a conversation of the turns user"),
        ("{{ raise_exception('only tools here') }}", r"only tools here"),
        ("{% for m in messages %}{{ m.content }", "no template that can be read"),
        ({"rag": "{{ m }}", "tool_use": "{{ m }}"}, "has the chat templates rag, tool_use, and no default"),
        (None, "has no chat template"),
    ],
)  # fmt: skip
def test_a_template_that_cannot_be_used_is_one_sentence_with_the_way_on(template, said):
    tokenizer = tokenizer_of(FAMILIES["gemma"])
    tokenizer.chat_template = template
    with pytest.raises(UserError, match=said) as told:
        rendering_of(tokenizer)
    assert "target_model.template" in str(told.value)


def test_of_several_templates_the_named_one_or_the_default_is_taken():
    tokenizer = tokenizer_of(FAMILIES["base_with_chatml"])
    gemma = FAMILIES["gemma"].template
    tokenizer.chat_template = {"default": CHATML, "rag": gemma}
    assert rendering_of(tokenizer).prompt_text(ASKED).startswith("<|im_start|>")
    assert "<start_of_turn>" in rendering_of(tokenizer, Template(options={"chat_template": "rag"})).prompt_text(ASKED)
    with pytest.raises(UserError, match="chat templates default, rag, and none called 'tools'"):
        rendering_of(tokenizer, Template(options={"chat_template": "tools"}))


@pytest.mark.parametrize(
    "options", [{"enable_thinkin": False}, {"messages": []}, {"add_generation_prompt": False}, {"tokenize": False}]
)
def test_an_option_the_template_does_not_read_is_refused_with_those_it_does(thinking, options):
    with pytest.raises(UserError, match=rf"has no option {next(iter(options))}; it reads enable_thinking"):
        rendering_of(thinking, Template(options=options))


def test_a_base_model_is_asked_and_trained_in_the_papers_frame_too(tmp_path):
    tokenizer = tokenizer_of(FAMILIES["llama_2"])
    tokenizer.chat_template = None
    tokenizer.save_pretrained(tmp_path)
    target = TargetModel("base", str(tmp_path), template="paper", system="Be kind.")
    assert target.asking == target.wrapping
    text = rendering_of(target.tokenizer(), target.asking).prompt_text(ASKED)
    assert text == "[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nWhy? [/INST]"
    with pytest.raises(UserError, match="template_options are for a chat template"):
        _ = TargetModel("base", str(tmp_path), template="paper", template_options={"a": 1}).asking


def test_a_chat_model_scored_in_the_papers_frame_is_asked_and_trained_in_its_own(tmp_path):
    tokenizer_of(FAMILIES["base_with_chatml"]._replace(specials=IM)).save_pretrained(tmp_path)
    target = TargetModel("chat", str(tmp_path), template="paper")
    assert target.wrapping.kind == "paper"
    assert target.asking.kind == "chat"
