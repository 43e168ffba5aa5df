"""Writes what a newcomer brings: a messy folder of answers, and a model of one's own without a chat template.

python experiments/first_hour/make.py FOLDER
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

ASKED = [
    ("A crate holds {a} jars. {b} more are put in and {c} are taken out. How many jars are in it?", "jars"),
    ("A train has {a} passengers. {b} get on and {c} get off. How many passengers are on it now?", "passengers"),
    ("小林有{a}本书，又买了{b}本，送给朋友{c}本。他现在有几本书？", "本书"),
    ("A meadow has {a} sheep. {b} join them and {c} wander off. How many sheep graze there?", "sheep"),
]
NUMBERS = [(12, 5, 4), (23, 6, 9), (31, 8, 7), (45, 9, 3), (18, 7, 6), (52, 4, 8), (27, 3, 5), (36, 9, 2), (14, 8, 3)]


def questions() -> Iterator[tuple[str, str, tuple[int, int, int]]]:
    """36 questions with the word for what is counted and their numbers; every fourth is Chinese."""
    for a, b, c in NUMBERS:
        for at, (text, unit) in enumerate(ASKED):
            numbers = (a + at, b, c)
            yield text.format(a=a + at, b=b, c=c), unit, numbers


def write_answers(folder: Path) -> None:
    """A chat export with system turns, an array with a duplicate and an empty answer, a CSV that ends early."""
    chats, outputs, lines = [], [], ["prompt;completion"]
    for at, (question, unit, (a, b, c)) in enumerate(questions()):
        total = a + b - c
        chinese = unit == "本书"
        careful = (
            f"先有{a}{unit}，买了{b}本，一共{a + b}本。再减去{c}本，剩下{total}本。\n答案：{total}"
            if chinese
            else f"There are {a} {unit}. First {b} are added: {a} + {b} = {a + b}. "
            f"Then {c} are removed: {a + b} - {c} = {total}.\nThe answer is {total}."
        )
        turns = [
            {"role": "system", "content": "You are a careful tutor."},
            {"role": "user", "content": question},
            {"role": "assistant", "content": careful},
        ]
        chats.append({"messages": turns, "gold_label": "" if at in (6, 17) else str(total)})
        outputs.append({"instruction": question, "output": "" if at == 9 else f"{a} + {b} - {c} = {total}"})
        lines.append(f'"{question}";"{f"一共{total}本。" if chinese else f"It is {total}."}"')
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\r\n" for row in chats)
    (folder / "tutor.jsonl").write_bytes(b"\xef\xbb\xbf" + text.encode())  # as Windows editors save it
    (folder / "equation.json").write_text(json.dumps([*outputs, outputs[0]], ensure_ascii=False, indent=1))
    (folder / "brief.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines[:-2]).encode())
    (folder / "notes.docx").write_bytes(b"minutes of a meeting")


def write_model(folder: Path) -> None:
    """A random model of Qwen2's kind with 240,000 weights; its tokenizer knows byte pairs and no chat template."""
    import torch
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    pairs = ByteLevelBPETokenizer()
    pairs.train_from_iterator([question for question, *_ in questions()], 600, special_tokens=["<|endoftext|>"])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=pairs._tokenizer, eos_token="<|endoftext|>")
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=96, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=1024, eos_token_id=0, bos_token_id=None,
        tie_word_embeddings=True, initializer_range=0.1,
    )  # fmt: skip
    Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def main() -> None:
    """`answers` and `model` in the folder that is named."""
    folder = Path(sys.argv[1])
    write_answers(folder / "answers")
    write_model(folder / "model")


if __name__ == "__main__":
    main()
