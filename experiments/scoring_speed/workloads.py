"""Requests with the lengths of real tasks, and random models to score them with."""

import json
import os
import re
from pathlib import Path

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from sppl.scoring.requests import ScoringRequest

FOLDERS = {"gsm8k": "GSM8K", "ecqa": "ECQA", "planbench": "PLAN_BENCH_GENERATION"}
STRATEGIES = ("gpt4", "claude", "varient/mini_gpt4", "varient/gpt4_generated_step_by_step_1000",
              "varient/openai_human_written_examples", "varient/openai_gpt4_provide_gpt4_example_1000")  # fmt: skip
FRAME = 45
"""Tokens of chat template and wording around a question and its examples."""
MEANS = {
    "gsm8k": (405, 112),
    "ecqa": (485, 170),
    "planbench": (1000, 348),
    "long_prompt": (2000, 112),
    "words": (250, 60),
}
"""Mean tokens of prompt (with 2 own answers) and response, where the records are not at hand."""

HEADS = {"num_attention_heads": 8, "num_key_value_heads": 4}
MODELS = {
    "135m": {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
             "num_key_value_heads": 3},
    "15m": {"hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 8, **HEADS},
    "60m": {"hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 14, **HEADS},
    "1500m": {"hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28,
              "num_attention_heads": 12, "num_key_value_heads": 2},
    "7000m": {"hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28,
              "num_attention_heads": 28, "num_key_value_heads": 4},
}  # fmt: skip
"""Llama shapes with about so many parameters, embeddings tied: two small ones at a vocabulary of 32k, and those of
SmolLM2-135M, Qwen2.5 1.5B and 7B."""


def random_model(
    name: str, vocabulary: int, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(**MODELS[name], vocab_size=vocabulary, max_position_embeddings=8192, tie_word_embeddings=True)
    torch.set_default_dtype(dtype)  # 7 billion weights are not to exist in float32 first
    try:
        with torch.device(device):
            model = LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(torch.float32)
    return model.eval()


def body_weights(model: LlamaForCausalLM) -> int:
    """Weights every token passes through before the head."""
    return sum(weight.numel() for name, weight in model.named_parameters() if ".layers." in name)


def requests_of(
    workload: str, *, questions: int, strategies: int, examples: int, vocabulary: int
) -> list[ScoringRequest]:
    """Random tokens of real lengths: per question one prompt and one response per strategy, strategies innermost."""
    draw = np.random.default_rng(0)
    lengths = _recorded(workload, questions, examples) or _drawn(workload, questions, examples, draw)
    requests = []
    for prompt_length, response_lengths in lengths:
        responses = [tuple(draw.integers(0, vocabulary, length).tolist()) for length in response_lengths[:strategies]]
        # the lab's words are scored after the bare question, too, as most metrics ask for
        for size in (60, prompt_length) if workload == "words" else (prompt_length,):
            prompt = tuple(draw.integers(0, vocabulary, size).tolist())
            requests += [ScoringRequest(prompt, response, len(requests) + at) for at, response in enumerate(responses)]
    return requests


def _recorded(workload: str, questions: int, examples: int) -> list[tuple[int, list[int]]] | None:
    """Lengths of the published records: a question, the target's own answers to the next questions, six strategies."""
    root = os.environ.get("SPPL_UPSTREAM")
    if root is None or workload not in FOLDERS:
        return None
    folder = Path(root) / "dataset" / FOLDERS[workload]
    answers = [[row["answer"] for row in _json(folder / f"{name}.json")] for name in STRATEGIES]
    prompts = [row["question"] for row in _json(folder / "gpt4.json")]
    record = Path(root) / "Mix_Score_Ranking_Calculation/Mix_Score_record/initial_prediction_record_correct_examples"
    (own_file,) = record.glob(f"{FOLDERS[workload].lower()}_mistral_500.json")
    own = [_tokens(text) for text in _json(own_file)["initial_prediction"]]
    return [
        (
            FRAME + _tokens(prompts[k]) + sum(own[(k + 1 + j) % len(own)] for j in range(examples)),
            [max(2, _tokens(answer[k])) for answer in answers],
        )
        for k in range(questions)
    ]


def _drawn(workload: str, questions: int, examples: int, draw: np.random.Generator) -> list[tuple[int, list[int]]]:
    prompt, response = MEANS[workload]
    spread = 0.0 if workload == "long_prompt" else 0.35
    mean = max(60, prompt - (2 - examples) * 1.2 * response)

    def lengths(mean: float, size: int) -> list[int]:
        return [max(2, int(mean * factor)) for factor in np.exp(spread * draw.normal(size=size))]

    most = 9 if workload == "words" else len(STRATEGIES)
    return [(lengths(mean, 1)[0], lengths(response, most)) for _ in range(questions)]


def _json(path: Path) -> list | dict:
    return json.loads(path.read_text())


def _tokens(text: str) -> int:
    """Words and marks of a text: close to what tokenizers of 32k entries count."""
    return len(re.findall(r"\w+|[^\w\s]", text))
