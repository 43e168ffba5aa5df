"""Chat templates in the manner of well-known families, in words of our own, and tokenizers to write them with.

Each says what is special in it: the turns' marks, what stands before a response, what ends it.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

TEXTS = [
    "How many plums are 3 + 4? How much is 12 - 5, and why do plums fall?",
    "3 + 4 = 7.\nFinal Answer: 7\n\nBecause down is where they go, all of them. Why? Yes, 3 * 5 = 15; no, 2.",
    "system user assistant human gpt model think final analysis INST SYS Question Answer Instruction Response ###",
    "You are kind. Today is 26 July 2024. <think> </think> [INST] [/INST] <|im_start|> ASSISTANT: USER: “so” it is",
]


def byte_level(specials: list[str]) -> Tokenizer:
    """Any text, losslessly, as in GPT-2, Llama 3 and Qwen."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r" ?\w+| ?[^\s\w]+|\s+(?!\S)|\s+"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    core.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=420, initial_alphabet=alphabet, show_progress=False))
    core.add_special_tokens(specials)
    return core


def metaspace(specials: list[str]) -> Tokenizer:
    """A visible space before every word, as in Llama 2, Mistral and Gemma; unknown characters are their bytes."""
    core = Tokenizer(models.BPE(unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=True)
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["<unk>"], show_progress=False)
    core.train_from_iterator([text.replace("\n", " ") for text in TEXTS], trainer)
    learnt = json.loads(core.to_str())["model"]
    vocabulary = [*learnt["vocab"], *(f"<0x{byte:02X}>" for byte in range(256))]
    numbered = {piece: number for number, piece in enumerate(vocabulary)}
    core.model = models.BPE(
        numbered, list(map(tuple, learnt["merges"])), unk_token="<unk>", byte_fallback=True, fuse_unk=True
    )
    core.decoder = decoders.Sequence([
        decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0),
    ])  # fmt: skip
    core.add_special_tokens(specials)
    return core


def unigram(specials: list[str]) -> Tokenizer:
    """Pieces by probability, a visible space first, as in T5-like and XGLM-like vocabularies."""
    pieces = {"▁": -2.0, **dict.fromkeys(map(chr, range(33, 127)), -4.0), "\n": -4.0, "“": -5.0, "”": -5.0}
    pieces |= {"▁plum": -3.0, "▁Answer": -3.0, "▁the": -3.0, "er": -3.5, "▁3": -3.0, "ca": -3.5, "use": -3.5}
    core = Tokenizer(models.Unigram([("<unk>", -20.0), *pieces.items()], unk_id=0))
    core.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    core.decoder = decoders.Metaspace()
    core.add_special_tokens(specials)
    return core


def word_pieces(specials: list[str]) -> Tokenizer:
    """Words that carry the space before them, pieces of words without: a space mark before every text."""
    core = Tokenizer(models.BPE())
    core.normalizer = normalizers.Prepend(" ")
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Strip(" ", 1, 0)])
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    core.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=420, initial_alphabet=alphabet, show_progress=False))
    core.add_special_tokens(specials)
    return core


TOKENIZERS = {"byte_level": byte_level, "metaspace": metaspace, "unigram": unigram, "word_pieces": word_pieces}


class Family(NamedTuple):
    """A chat template and what it is made of.

    Args:
        template: in Jinja.
        start: how a prompt ends; `{q}` is the question.
        end: the token that ends a turn.
        lead: what the template writes between the two.
        specials: tokens of the tokenizer beside `end`, and further ones of `bos` and `eos`.
        plain: tokens that are added, but not special: they are read in a decoded text.
        options: what the template is told.
        space: whether a space of the template stands before the response, and becomes part of its first word.
        asks: whether the template itself asks with `start`; else prompts end as finished turns begin.
        trims: whether outer blanks of a response vanish.
        bos: put before every text by a tokenizer that has one.
    """

    template: str
    start: str
    end: str
    lead: str = ""
    specials: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    options: Mapping[str, Any] = MappingProxyType({})
    space: bool = False
    asks: bool = True
    trims: bool = False
    bos: str = "<s>"
    eos: str | None = "</s>"


def turns(user: str, assistant: str, ask: str = "", before: str = "") -> str:
    """A template that writes every turn by one of two patterns."""
    each = "{% if m.role == 'assistant' %}" + assistant + "{% else %}" + user + "{% endif %}"
    asked = "{% if add_generation_prompt %}" + ask + "{% endif %}" if ask else ""
    return before + "{% for m in messages %}" + each + "{% endfor %}" + asked


# fmt: off
CHATML = turns(
    "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n", "<|im_start|>assistant\n{{ m.content }}<|im_end|>\n",
    "<|im_start|>assistant\n",
)
IM = ("<|im_start|>",)
QWEN3 = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and loop.last %}{% set parts = m.content.split('</think>') %}"
    "{% set thought = parts[0].split('<think>')[-1].strip('\n') if parts | length > 1 else '' %}"
    "{{ '<think>\n' + thought + '\n</think>\n\n' }}"
    "{{ parts[-1].lstrip('\n') }}{% else %}{{ m.content.split('</think>')[-1].lstrip('\n') }}{% endif %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
THINK = ("<think>", "</think>")
DATED = (
    "{% if date_string is not defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}"
    "<s><|head|>system<|/head|>\n\nToday: {{ date_string }}\n\n<|over|>"
    "{% for m in messages %}<|head|>{{ m.role }}<|/head|>\n\n{{ m.content | trim }}<|over|>{% endfor %}"
    "{% if add_generation_prompt %}<|head|>assistant<|/head|>\n\n{% endif %}"
)
R1 = (
    "<s>{% for m in messages %}{% if m.role == 'user' %}<|User|>{{ m.content }}{% else %}<|Assistant|>"
    "{{ m.content.split('</think>')[-1] }}</s>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|Assistant|><think>\n{% endif %}"
)
SMOLLM3 = (
    "{% if enable_thinking is not defined %}{% set enable_thinking = true %}{% endif %}<|im_start|>system\n"
    "Date: {{ strftime_now('%d %B %Y') }}\nMode: {{ '/think' if enable_thinking else '/no_think' }}<|im_end|>\n"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and not enable_thinking %}<think>\n\n</think>\n{% endif %}{{ m.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if not enable_thinking %}<think>\n\n</think>\n{% endif %}{% endif %}"
)
HARMONY = (
    "<|start|>system<|message|>Date: {{ strftime_now('%Y-%m-%d') }}<|end|>{% for m in messages %}"
    "{% if m.role == 'assistant' %}<|start|>assistant<|channel|>final<|message|>{{ m.content }}"
    "{% if loop.last and not add_generation_prompt %}<|return|>{% else %}<|end|>{% endif %}"
    "{% else %}<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)

FAMILIES = {
    "llama_2": Family(
        turns("<s>[INST] {{ m.content }} [/INST]", " {{ m.content }} </s>"), "[INST] {q} [/INST]", "</s>", space=True
    ),
    "mistral_1": Family(turns("[INST] {{ m.content }} [/INST]", "{{ m.content }}</s> ", before="<s>"),
                        "[INST] {q} [/INST]", "</s>"),
    "mistral_2": Family(turns("[INST] {{ m.content }} [/INST]", " {{ m.content }}</s>", before="<s>"),
                        "[INST] {q} [/INST]", "</s>", space=True),
    "mistral_3": Family(turns("[INST] {{ m.content }}[/INST]", " {{ m.content | trim }}</s>", before="<s>"),
                        "[INST] {q}[/INST]", "</s>", specials=("[INST]", "[/INST]"), space=True, trims=True),
    "mistral_tekken": Family(turns("[INST]{{ m.content }}[/INST]", "{{ m.content }}</s>", before="<s>"),
                             "[INST]{q}[/INST]", "</s>", specials=("[INST]", "[/INST]")),
    "llama_3": Family(
        turns("<|head|>{{ m.role }}<|/head|>\n\n{{ m.content | trim }}<|eot|>",
              "<|head|>assistant<|/head|>\n\n{{ m.content | trim }}<|eot|>", "<|head|>assistant<|/head|>\n\n",
              before="<s>"),
        "<|head|>assistant<|/head|>\n\n", "<|eot|>", specials=("<|head|>", "<|/head|>"), trims=True,
    ),
    "llama_3_dated": Family(DATED, "Today: 26 Jul 2024\n\n<|over|><|head|>user<|/head|>\n\n{q}<|over|>"
                            "<|head|>assistant<|/head|>\n\n", "<|over|>", specials=("<|head|>", "<|/head|>"),
                            trims=True),
    "llama_3_told_the_date": Family(
        DATED, "Today: 1 May 2020\n\n<|over|><|head|>user<|/head|>\n\n{q}<|over|><|head|>assistant<|/head|>\n\n",
        "<|over|>", specials=("<|head|>", "<|/head|>"), options={"date_string": "1 May 2020"}, trims=True,
    ),
    "qwen_2_5": Family(
        turns("<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n",
              "<|im_start|>assistant\n{{ m.content }}<|im_end|>\n", "<|im_start|>assistant\n",
              before="<|im_start|>system\nYou are kind.<|im_end|>\n"),
        "{q}<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>", specials=IM, bos="", eos="<|endoftext|>",
    ),
    "qwen_3": Family(QWEN3, "<|im_start|>assistant\n", "<|im_end|>", "<think>\n\n</think>\n\n", IM, THINK, bos=""),
    "qwen_3_not_thinking": Family(QWEN3, "<|im_start|>assistant\n<think>\n\n</think>\n\n", "<|im_end|>", "", IM, THINK,
                                  options={"enable_thinking": False}, bos=""),
    "deepseek_r1": Family(R1, "<|User|>{q}<|Assistant|>", "</s>", specials=("<|User|>", "<|Assistant|>"), plain=THINK,
                          asks=False),
    "deepseek_llm": Family(turns("User: {{ m.content }}\n\n", "Assistant: {{ m.content }}</s>", "Assistant:",
                                 before="<s>"), "User: {q}\n\nAssistant:", "</s>", space=True),
    "gemma": Family(
        turns("<start_of_turn>user\n{{ m.content | trim }}<end_of_turn>\n",
              "<start_of_turn>model\n{{ m.content | trim }}<end_of_turn>\n", "<start_of_turn>model\n", before="<s>"),
        "<end_of_turn>\n<start_of_turn>model\n", "<end_of_turn>", specials=("<start_of_turn>",), trims=True,
    ),
    "gemma_2_refuses_system": Family(
        "<s>{% if messages[0].role == 'system' %}{{ raise_exception('no system turn') }}{% endif %}"
        + turns("<start_of_turn>user\n{{ m.content }}<end_of_turn>\n",
                "<start_of_turn>model\n{{ m.content }}<end_of_turn>\n", "<start_of_turn>model\n"),
        "<start_of_turn>model\n", "<end_of_turn>", specials=("<start_of_turn>",),
    ),
    "phi_3": Family(
        turns("<|user|>\n{{ m.content }}<|end|>\n", "<|assistant|>\n{{ m.content }}<|end|>\n", "<|assistant|>\n")
        + "{% if not add_generation_prompt %}</s>{% endif %}",
        "<|user|>\n{q}<|end|>\n<|assistant|>\n", "<|end|>", specials=("<|user|>", "<|assistant|>"),
    ),
    "phi_4": Family(
        turns("<|im_start|>user<|im_sep|>{{ m.content }}<|im_end|>",
              "<|im_start|>assistant<|im_sep|>{{ m.content }}<|im_end|>", "<|im_start|>assistant<|im_sep|>"),
        "<|im_start|>assistant<|im_sep|>", "<|im_end|>", specials=("<|im_start|>", "<|im_sep|>"),
    ),
    "base_with_chatml": Family(CHATML, "<|im_start|>assistant\n", "<|im_end|>", specials=IM, eos="<|endoftext|>"),
    "chatml_no_eos": Family(CHATML, "<|im_start|>assistant\n", "<|im_end|>", specials=IM, eos=None),
    "old_chatml_never_asks": Family(turns("<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n",
                                          "<|im_start|>assistant\n{{ m.content }}<|im_end|>\n"),
                                    "<|im_start|>assistant\n", "<|im_end|>", specials=IM, asks=False),
    "zephyr": Family(turns("<|user|>\n{{ m.content }}</s>\n", "<|assistant|>\n{{ m.content }}</s>\n",
                           "<|assistant|>\n"), "<|user|>\n{q}</s>\n<|assistant|>\n", "</s>"),
    "vicuna": Family(turns(" USER: {{ m.content }}", " ASSISTANT: {{ m.content }}</s>", " ASSISTANT:",
                           before="A chat."), "USER: {q} ASSISTANT:", "</s>", space=True),
    "alpaca": Family(turns("### Instruction:\n{{ m.content }}\n\n", "### Response:\n{{ m.content }}\n\n",
                           "### Response:\n"), "### Response:\n", "</s>"),
    "olmo": Family(
        turns("<|user|>\n{{ m.content }}\n", "<|assistant|>\n{{ m.content }}</s>\n", "<|assistant|>\n", before="</s>"),
        "<|user|>\n{q}\n<|assistant|>\n", "</s>",
    ),
    "granite": Family(
        turns("<|start_of_role|>user<|end_of_role|>{{ m.content }}<|end_of_text|>\n",
              "<|start_of_role|>assistant<|end_of_role|>{{ m.content }}<|end_of_text|>\n",
              "<|start_of_role|>assistant<|end_of_role|>"),
        "<|start_of_role|>assistant<|end_of_role|>", "<|end_of_text|>",
        specials=("<|start_of_role|>", "<|end_of_role|>"), eos="<|end_of_text|>",
    ),
    "command_r": Family(
        turns("<|START|><|USER|>{{ m.content }}<|END|>", "<|START|><|BOT|>{{ m.content }}<|END|>", "<|START|><|BOT|>",
              before="<s>"),
        "<|START|><|BOT|>", "<|END|>", specials=("<|START|>", "<|USER|>", "<|BOT|>"), eos="<|END|>",
    ),
    "command_r_7b": Family(
        turns("<|START|><|USER|>{{ m.content }}<|END|>",
              "<|START|><|BOT|><|SAY|>{{ m.content }}<|/SAY|><|END|>", "<|START|><|BOT|>"),
        "<|START|><|BOT|>", "<|/SAY|>", "<|SAY|>", specials=("<|START|>", "<|USER|>", "<|BOT|>", "<|SAY|>", "<|END|>"),
    ),
    "falcon": Family(turns("User: {{ m.content }}\n", "Falcon: {{ m.content }}\n", "Falcon:"), "User: {q}\nFalcon:",
                     "</s>", space=True),
    "yi": Family(CHATML, "<|im_start|>assistant\n", "<|im_end|>", specials=IM, bos="<|startoftext|>"),
    "internlm": Family("{{ bos_token }}" + CHATML, "<|im_start|>assistant\n", "<|im_end|>", specials=IM),
    "smollm_2": Family("{% if messages[0].role != 'system' %}<|im_start|>system\nYou are kind.<|im_end|>\n{% endif %}"
                       + CHATML, "<|im_start|>assistant\n", "<|im_end|>", specials=IM),
    "smollm_3": Family(SMOLLM3, "26 July 2024\nMode: /think<|im_end|>\n<|im_start|>user\n{q}<|im_end|>\n"
                       "<|im_start|>assistant\n", "<|im_end|>", specials=IM, plain=THINK, bos=""),
    "smollm_3_not_thinking": Family(SMOLLM3, "<|im_start|>assistant\n<think>\n\n</think>\n", "<|im_end|>", specials=IM,
                                    plain=THINK, options={"enable_thinking": False}, bos=""),
    "gpt_oss": Family(
        HARMONY, "<|start|>user<|message|>{q}<|end|><|start|>assistant", "<|return|>",
        "<|channel|>final<|message|>", ("<|start|>", "<|message|>", "<|end|>", "<|channel|>"),
    ),
    "starchat": Family(
        "<|system|>\n<|end|>\n"
        + turns("<|user|>\n{{ m.content }}<|end|>\n", "<|assistant|>\n{{ m.content }}<|end|>\n") + "<|assistant|>",
        "<|user|>\n{q}<|end|>\n<|assistant|>", "<|end|>", "\n",
        specials=("<|system|>", "<|user|>", "<|assistant|>"), space=True,
    ),
    "solar": Family(turns("### User:\n{{ m.content }}\n\n", "### Assistant:\n{{ m.content }}</s>\n\n",
                          "### Assistant:\n"), "### Assistant:\n", "</s>"),
    "baichuan": Family(turns("<reserved_1>{{ m.content }}", "<reserved_2>{{ m.content }}", "<reserved_2>"),
                       "<reserved_1>{q}<reserved_2>", "</s>", specials=("<reserved_1>", "<reserved_2>")),
    "glm": Family(
        turns("<|user|>\n{{ m.content }}", "<|assistant|>\n{{ m.content }}", "<|assistant|>\n", before="[gMASK]<sop>"),
        "<|user|>\n{q}<|assistant|>\n", "<|endoftext|>", specials=("<|user|>", "<|assistant|>", "[gMASK]", "<sop>"),
        eos="<|endoftext|>",
    ),
}

# fmt: on


def tokenizer_of(family: Family, kind: str = "byte_level") -> PreTrainedTokenizerFast:
    """A tokenizer of one kind that has the family's tokens and template."""
    own = [family.bos, family.eos, family.end, *family.specials]
    specials = list(dict.fromkeys(token for token in own if token))
    core = TOKENIZERS[kind](specials)
    if family.plain:
        core.add_tokens(list(family.plain))
    if family.bos:
        number = core.token_to_id(family.bos)
        core.post_processor = processors.TemplateProcessing(
            single=f"{family.bos} $A", special_tokens=[(family.bos, number)]
        )
    named = {"bos_token": family.bos or None, "eos_token": family.eos}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, **named)
    tokenizer.chat_template = family.template
    return tokenizer
