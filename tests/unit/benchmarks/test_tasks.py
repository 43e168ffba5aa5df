import json
import logging
from pathlib import Path

import pytest

import sppl.benchmarks

TASKS = Path(sppl.benchmarks.__file__).parent / "tasks"


@pytest.fixture(scope="session")
def tiny_model():
    import torch
    from lm_eval.models.huggingface import HFLM
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    characters = ["<pad>", "<s>", "</s>", *map(chr, range(32, 127)), "\n"]
    core = Tokenizer(models.WordLevel({character: n for n, character in enumerate(characters)}, unk_token="<pad>"))
    core.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    core.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", bos_token="<s>", eos_token="</s>")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(characters),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=2048,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    return HFLM(pretrained=LlamaForCausalLM(config), tokenizer=tokenizer, batch_size=2, max_length=2048, device="cpu")


def load(name: str, rows: list[dict], folder: Path):
    """The lm-eval task of that name over these rows: a file that includes ours and adds the data."""
    from lm_eval.tasks import TaskManager

    data = folder / f"{name}.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = {"include": str(TASKS / f"{name}.yaml"), "dataset_kwargs": {"data_files": {"test": str(data)}}}
    (folder / f"{name}.yaml").write_text(json.dumps({"task": name, **task}))
    manager = TaskManager(include_path=str(folder), include_defaults=False)
    return manager.load(name)["tasks"][name], manager


def judge(task, texts: list[str]) -> list[dict]:
    """The verdicts of given texts, through lm-eval's own filters and judge."""
    task.build_all_requests(rank=0, world_size=1)
    for request, text in zip(task.instances, texts, strict=True):
        request.resps.append(text)
    task.apply_filters()
    return [task.process_results(request.doc, [request.filtered_resps["none"]]) for request in task.instances]


ROWS = [
    {"id": "a", "prompt": "Ann has 2 plums. She finds 3.\n{{ 1 }} How many plums?\n", "answer": "5"},
    {"id": "b", "prompt": "Bob has 12 plums. He eats 3. How many plums?\n", "answer": "9"},
]


@pytest.mark.parametrize(
    ("name", "right", "wrong"), [("lab", "2 + 3 = 5.\n#### 5", "5"), ("gsm8k", "It is 5.", "#### 8")]
)
def test_a_task_judges_given_texts_without_a_model(name, right, wrong, tmp_path):
    task, _ = load(name, ROWS, tmp_path)
    assert judge(task, [right, wrong]) == [{"accuracy": 1.0}, {"accuracy": 0.0}]


@pytest.mark.parametrize("name", ["lab", "gsm8k"])
def test_a_model_is_asked_with_the_prompt_and_nothing_else(name, tmp_path):
    task, _ = load(name, ROWS, tmp_path)
    task.build_all_requests(rank=0, world_size=1)
    assert [request.args[0] for request in task.instances] == [row["prompt"] for row in ROWS]


@pytest.mark.parametrize("name", ["lab", "gsm8k"])
def test_lm_eval_runs_a_task_on_a_tiny_model_offline(name, tiny_model, tmp_path, monkeypatch):
    from lm_eval import simple_evaluate

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    task, manager = load(name, ROWS, tmp_path)
    task.set_config("generation_kwargs", {"max_gen_toks": 8}, update=True)
    out = simple_evaluate(model=tiny_model, tasks=[task], task_manager=manager, bootstrap_iters=0)
    assert out["results"][name]["accuracy,none"] in (0.0, 0.5, 1.0)
    assert [sample["doc"]["id"] for sample in out["samples"][name]] == ["a", "b"]
    assert out["versions"][name] == 1.0
    assert out["n-shot"][name] == 0
