"""Tiny models with one trait each: changed copies of the lab's, and small ones of other architectures."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedConfig
from transformers import models as architectures

from tests.conftest import ROOT

LAB = ROOT / "sppl/lab/checkpoint"
VOCABULARY = 640
SHAPE = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 4096,
    "initializer_range": 0.3, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
}  # fmt: skip

TURN = "<|' + message['role'] + '|>' + message['content'] + "
THINKS = (
    "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>' }}"
    "{% if message['role'] == 'assistant' %}{{ '(thought: )' + message['content'] + eos_token }}"
    "{% else %}{{ message['content'] }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}"
    "{% if enable_thinking is defined and not enable_thinking %}{{ '(thought: )' }}{% endif %}{% endif %}"
)
DATED = "{{ bos_token }}{{ '<|system|>' + strftime_now('%d %B %Y') }}"


class Trait(NamedTuple):
    """What is special about a model, and what then is right.

    Args:
        change: makes it of a copy of the lab's model.
        settings: typed after the command.
        says: part of what is said; of the sentence, where it is refused.
        refused: whether the command ends with that sentence.
        same: whether predictions, scores and verdicts are those of the unchanged model.
        tolerance: of a log-probability, against one computed alone by transformers.
    """

    change: Callable[[Path], None]
    settings: tuple[str, ...] = ()
    says: str = ""
    refused: bool = False
    same: bool = False
    tolerance: float = 1e-3


def edit(name: str, **changes: Any) -> Callable[[Path], None]:
    """Changes keys of a JSON file; None takes one away."""

    def change(folder: Path) -> None:
        found = json.loads((folder / name).read_text()) | changes
        (folder / name).write_text(json.dumps({key: value for key, value in found.items() if value is not None}))

    return change


def write(name: str, change: Callable[[str], str]) -> Callable[[Path], None]:
    """Changes the text of a file."""
    return lambda folder: (folder / name).write_text(change((folder / name).read_text()))  # type: ignore[func-returns-value]


def all_of(*changes: Callable[[Path], None]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for one in changes:
            one(folder)

    return change


def weights(change: Callable[[dict[str, torch.Tensor]], None]) -> Callable[[Path], None]:
    def rewrite(folder: Path) -> None:
        found = load_file(folder / "model.safetensors")
        change(found)
        save_file(found, folder / "model.safetensors", metadata={"format": "pt"})

    return rewrite


def architecture(name: str, **changes: Any) -> Callable[[Path], None]:
    """A small model of another architecture, with random weights and the lab's tokenizer."""

    def make(folder: Path) -> None:
        torch.manual_seed(0)
        config: PreTrainedConfig = getattr(architectures, name)(**{**SHAPE, **changes})
        (folder / "generation_config.json").unlink()
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)

    return make


def gemma_3(folder: Path) -> None:
    """A text model inside a wrapper that has room for pictures."""
    sight = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 4}
    sight |= {"image_size": 28, "patch_size": 14}
    text = {**SHAPE, "sliding_window": 16}
    architecture("Gemma3Config", text_config=text, vision_config=sight, mm_tokens_per_image=4)(folder)


def only_config(name: str, **changes: Any) -> Callable[[Path], None]:
    """The configuration of a model that is no target; its weights are never looked at."""
    return lambda folder: getattr(architectures, name)(**changes).save_pretrained(folder)


def adapter(*targets: str) -> Callable[[Path], None]:
    """A LoRA adapter of the lab's model, in the place of the model."""

    def make(folder: Path) -> None:
        from peft import LoraConfig, get_peft_model

        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_pretrained(LAB)
        worn = get_peft_model(model, LoraConfig(r=4, target_modules=[*targets], init_lora_weights=False))
        for file in ("model.safetensors", "config.json", "generation_config.json"):
            (folder / file).unlink()
        worn.save_pretrained(folder)
        edit("adapter_config.json", base_model_name_or_path=str(LAB))(folder)

    return make


def grown_tokenizer(folder: Path) -> None:
    """Tokens more than the embedding has rows, the last of which the template writes."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens([f"<|extra{number}|>" for number in range(400)], special_tokens=True)
    tokenizer.chat_template = tokenizer.chat_template.replace("bos_token", "bos_token + '<|extra399|>'")
    tokenizer.save_pretrained(folder)


def without_ends(folder: Path) -> None:
    edit("tokenizer_config.json", eos_token=None)(folder)
    edit("config.json", eos_token_id=None)(folder)
    edit("generation_config.json", eos_token_id=None)(folder)
    write("chat_template.jinja", lambda text: text.replace("eos_token", "'\n'"))(folder)
