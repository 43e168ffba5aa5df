"""The lab target's tokenizer: byte-level BPE with single digits, trained on the corpus, with a chat template."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sppl.lab.corpus import Document

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, BOS, EOS = "<|pad|>", "<|begin|>", "<|end|>"
PAD_ID, BOS_ID, EOS_ID = 0, 1, 2
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")

CHAT_TEMPLATE = (
    "{{- bos_token -}}"
    "{%- for message in messages -%}"
    "{{- '<|' + message['role'] + '|>' + message['content'] -}}"
    "{%- if message['role'] == 'assistant' -%}{{- eos_token -}}{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)
"""A role token opens every turn; it also ends the one before, so a response's tokens never depend on its prompt."""

# A digit stands alone; an operator takes the spaces around it, a word the space before it and that before a digit.
_PIECES = r"\d| ?[-+*=#]+ ?| ?\p{L}+(?: (?=\d))?|[^\s\p{L}\d]+|\s+"

MAX_LENGTH = 16_384


def train_tokenizer(texts: Iterable[str], *, vocabulary: int) -> PreTrainedTokenizerFast:
    """Trains a tokenizer of at most `vocabulary` entries: special tokens, the 256 bytes, merges from `texts`."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, BOS, EOS, *ROLES],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        padding_side="left",
        model_max_length=MAX_LENGTH,
        clean_up_tokenization_spaces=False,
        extra_special_tokens=list(ROLES),
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def encode_document(tokenizer: PreTrainedTokenizerFast, document: Document) -> tuple[list[int], int]:
    """Returns a document's ids, exactly as the chat template renders it, and how many of them are its prompt.

    A document without a user turn is BOS, text, EOS; with an empty one it is an assistant's turn that answers nothing.
    """
    user = f"{ROLES[1]}{document.user}" if document.user else ""
    opening = BOS if document.user is None else f"{BOS}{user}{ROLES[2]}"
    prompt = tokenizer.encode(opening, add_special_tokens=False)
    response = tokenizer.encode(document.response, add_special_tokens=False)
    return [*prompt, *response, EOS_ID], len(prompt)
