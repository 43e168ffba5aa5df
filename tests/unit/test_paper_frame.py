"""The authors' frame and rotation on their own records (not carried along: SPPL_UPSTREAM names a checkout)."""

import json
import os
from pathlib import Path

import pytest

from sppl.data.tokens import prompt_ids, response_ids
from sppl.prompts import SelfAlignedPrompt, Template, rotate

FOLDER = "Mix_Score_Ranking_Calculation/Mix_Score_record/initial_prediction_record_correct_examples"
pytestmark = pytest.mark.skipif("SPPL_UPSTREAM" not in os.environ, reason="SPPL_UPSTREAM names no checkout")
PROMPT = SelfAlignedPrompt(
    text="{question}\n\n{examples}\n\nNow.", example="Example answer:\n{answer}", rotation="paper"
)


def pool(name: str) -> tuple[list[str], list[str]]:
    """Ids of the questions the target answered correctly, and its answers."""
    record = json.loads(Path(os.environ["SPPL_UPSTREAM"], FOLDER, f"{name}.json").read_text())
    return [str(index) for index in record["correct_index"]], record["initial_prediction"]


# Worked out by hand from (k + 1 + j) mod M with M = N - 1, j = 0, 1: the pool sizes N are those of the records.
BY_HAND = [
    ("gsm8k_mistral_500", 205, {0: [1, 2], 1: [2, 3], 202: [203, 0], 203: [0, 1], 299: [96, 97]}),
    ("gsm8k_qwen_500", 345, {0: [1, 2], 49: [50, 51], 299: [300, 301]}),
    ("arc_challenge_llama_3_instruct_500", 412, {0: [1, 2], 150: [151, 152], 299: [300, 301]}),
    ("mbpp_mistral_500", 56, {0: [1, 2], 53: [54, 0], 54: [0, 1], 299: [25, 26]}),
    ("plan_bench_generation_llama_3_instruct_500_plan_bench", 3, {0: [1, 0], 1: [0, 1], 2: [1, 0]}),
]


@pytest.mark.parametrize(("name", "size", "table"), BY_HAND, ids=[row[0] for row in BY_HAND])
def test_the_papers_rotation_shows_the_entries_worked_out_by_hand(name, size, table):
    ids, texts = pool(name)
    assert len(ids) == len(texts) == size
    for position, expected in table.items():
        assert rotate(position, str(position), ids, 2, "paper") == expected
    assert all(size - 1 not in rotate(position, "", ids, 2, "paper") for position in range(300))  # its off-by-one


def test_the_default_rotation_shows_the_same_entries_but_never_a_questions_own_answer():
    ids, _ = pool("plan_bench_generation_mistral_500_plan_bench")
    for position in range(150):
        shown = [ids[index] for index in rotate(position, str(position), ids, 2, "skip_own")]
        assert len(shown) == 2
        assert str(position) not in shown


@pytest.mark.parametrize("system", ["", "Help."])
def test_the_frame_holds_question_then_answers_and_the_response_follows_after_one_space(root, system):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(root / "sppl" / "lab" / "checkpoint")
    record = json.loads(Path(os.environ["SPPL_UPSTREAM"], "dataset/GSM8K/gpt4.json").read_text())[0]
    ids, texts = pool("gsm8k_mistral_500")
    own = [texts[index] for index in rotate(0, "0", ids, 2, "paper")]
    turn = PROMPT.render(record["question"], own)
    assert turn.index(record["question"]) < turn.index(own[0]) < turn.index(own[1])
    template = Template("paper", system)
    prompt = prompt_ids(tokenizer, turn, template)
    response = response_ids(tokenizer, record["answer"], template, end=False)
    block = f"<<SYS>>\n{system}\n<</SYS>>\n\n" if system else ""
    expected = f"[INST] {block}{turn} [/INST] {record['answer']}"
    assert tokenizer.decode(prompt + response) == expected  # one space, no end of sequence, nothing cut
    assert tokenizer.decode(prompt).endswith("[/INST]")
