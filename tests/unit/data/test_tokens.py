"""Where a prompt ends and a response begins, with a byte-level and a sentencepiece-style tokenizer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from sppl.data.tokens import alone_ids, check_fits, prompt_ids, response_ids
from sppl.prompts import Template
from sppl.schemas import UserError

CHAT, PAPER = Template(), Template("paper", "Be kind.")


@pytest.fixture(scope="module")
def byte_level(root):
    return AutoTokenizer.from_pretrained(root / "sppl" / "lab" / "checkpoint")


@pytest.fixture(scope="module")
def sentencepiece():
    """Words begin with a visible space, as in Llama 2 and Mistral; unknown characters are their bytes."""
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *map(chr, range(33, 127))]
    core = Tokenizer(
        models.BPE({piece: n for n, piece in enumerate(pieces)}, [], unk_token="<unk>", byte_fallback=True)
    )
    core.pre_tokenizer = pre_tokenizers.Metaspace()
    core.decoder = decoders.Metaspace()
    core.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    tokenizer.chat_template = (
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
        "{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
    )
    return tokenizer


@pytest.fixture(params=["byte_level", "sentencepiece"])
def tokenizer(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("template", [CHAT, PAPER], ids=["chat", "paper"])
def test_a_prompt_has_at_most_one_first_token(tokenizer, template):
    ids = prompt_ids(tokenizer, "How many plums?", template)
    assert ids.count(tokenizer.bos_token_id) <= 1
    assert tokenizer.bos_token_id not in ids[1:]


def test_a_chat_prompt_has_exactly_one_first_token(tokenizer):
    assert prompt_ids(tokenizer, "How many plums?", CHAT).count(tokenizer.bos_token_id) == 1


def test_a_response_has_no_first_token_and_ends_once_if_asked(tokenizer):
    bare, ended = (response_ids(tokenizer, "12 plums", CHAT, end=end) for end in (False, True))
    assert tokenizer.bos_token_id not in ended
    assert ended == (*bare, tokenizer.eos_token_id)


@settings(max_examples=50, deadline=None)
@given(text=st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1))
def test_a_response_is_read_back_as_it_was_written(byte_level, text):
    assert byte_level.decode(response_ids(byte_level, text, CHAT, end=False)) == text


def test_prompt_and_response_are_the_conversation_as_the_template_writes_it(tokenizer):
    turns = [{"role": "user", "content": "How many plums?"}, {"role": "assistant", "content": "12 plums"}]
    whole = tokenizer.apply_chat_template(turns, tokenize=True, return_dict=False)
    parts = prompt_ids(tokenizer, "How many plums?", CHAT) + response_ids(tokenizer, "12 plums", CHAT, end=True)
    assert list(parts) == whole[: len(parts)]
    assert tokenizer.decode(whole[len(parts) :]).strip() == ""  # some templates close the last turn with a line break


def test_in_the_papers_frame_the_response_follows_after_one_space(tokenizer):
    prompt = prompt_ids(tokenizer, "Why?", PAPER)
    response = response_ids(tokenizer, "So.", PAPER, end=False)
    whole = tokenizer("[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nWhy? [/INST] So.")["input_ids"]
    assert list(prompt + response) == whole


def test_alone_a_response_follows_the_bos_that_the_tokenizer_adds_by_itself(sentencepiece):
    assert alone_ids(sentencepiece) == (sentencepiece.bos_token_id,) == tuple(sentencepiece("")["input_ids"])


def test_alone_a_response_follows_nothing_where_only_the_template_writes_its_first_token(byte_level):
    assert prompt_ids(byte_level, "How many plums?", CHAT)[0] == byte_level.bos_token_id
    assert byte_level("")["input_ids"] == []
    assert alone_ids(byte_level) == ()


def test_a_mark_of_turns_is_no_first_token_even_where_it_is_called_bos():
    """As in SmolLM2: the BOS opens every turn, and the tokenizer never adds it."""
    marks = ["<|im_start|>", "<|im_end|>"]
    core = Tokenizer(models.BPE({piece: n for n, piece in enumerate([*marks, *map(chr, range(32, 127))])}, []))
    core.add_special_tokens(marks)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, bos_token=marks[0], eos_token=marks[1])
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }} {{ m.content }}<|im_end|>{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant {% endif %}"
    )
    assert prompt_ids(tokenizer, "Why?", CHAT).count(tokenizer.bos_token_id) == 2
    assert alone_ids(tokenizer) == ()
    core.post_processor = processors.TemplateProcessing(single="<|im_start|> $A", special_tokens=[(marks[0], 0)])
    adding = PreTrainedTokenizerFast(tokenizer_object=core, bos_token=marks[0], eos_token=marks[1])
    assert alone_ids(adding) == (0,)


def test_what_does_not_fit_is_named_with_the_longest():
    check_fits([("a", 5), ("b", 8)], 8, "prompts")
    check_fits([("a", 5)], None, "prompts")
    with pytest.raises(UserError, match=r"2 of 3 prompts .* 8 tokens; the longest is c with 12"):
        check_fits([("a", 5), ("b", 9), ("c", 12)], 8, "prompts")
