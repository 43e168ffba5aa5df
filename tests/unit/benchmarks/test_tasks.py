import json
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


PROMPT = """[STATEMENT]
As initial conditions I have that, the red block is clear, the blue block is clear, the hand is empty, the red block \
is on the table and the blue block is on the table.
My goal is to have that the red block is on top of the blue block.
My plan is as follows:
[PLAN]"""
PLAN = ("(pick-up red) (stack red blue)", "(stack red blue)")
NUMBER, LETTER, DIGIT, SPAN = ("72", "27"), ("B", "C"), ("2", "1"), ("Denver Broncos", "Denver")

ANSWERS = {
    "lab": ("#### 72", "72"),
    "gsm8k": NUMBER,
    "math_algebra": NUMBER,
    "math_geometry": NUMBER,
    "math_intermediate_algebra": NUMBER,
    "mmlu": LETTER,
    "mmlu_moral_scenarios": LETTER,
    "mmlu_pro": LETTER,
    "mmlu_pro_law": LETTER,
    "agieval": LETTER,
    "arc_challenge": LETTER,
    "winogrande": DIGIT,
    "piqa": DIGIT,
    "hellaswag": DIGIT,
    "ecqa": DIGIT,
    "boolq": ("True", "False"),
    "esnli": ("neutral", "contradiction"),
    "squad": SPAN,
    "drop": SPAN,
    "mbpp": ("def f():\n    return 1", "def f():\n    return 2"),
    "api_bank": ("[F(x='1')]", "[F(x='2')]"),
    "plan_bench_generation": PLAN,
    "plan_bench_optimality": PLAN,
    "plan_bench_reuse": PLAN,
    "plan_bench_generalization": PLAN,
    "plan_bench_replanning": PLAN,
    "plan_bench_execution": ("the hand is empty", "the red block is clear"),
    "plan_bench_verification": ("The above plan is valid.", "The above plan is invalid."),
    "local_number": NUMBER,
    "local_choice": DIGIT,
    "local_text": SPAN,
}
"""Each task, an answer that is right (and the gold one), and one that is wrong."""


def rows(name: str) -> list[dict]:
    gold = ANSWERS[name][0].removeprefix("#### ")
    fields = {"prompt": PROMPT, "answer": gold, "test_list": ["assert f() == 1"], "test_setup_code": ""}
    return [{"id": "a", **fields}, {"id": "b", **fields}]


def test_there_are_the_papers_27_tasks_the_lab_and_three_of_your_own():
    assert sorted(path.stem for path in TASKS.glob("*.yaml")) == sorted(ANSWERS)
    assert len(ANSWERS) == 27 + 1 + 3


@pytest.mark.parametrize("name", ANSWERS)
def test_a_task_judges_given_texts_without_a_model(name, tmp_path):
    task, _ = load(name, rows(name), tmp_path)
    right, wrong = ANSWERS[name]
    verdicts = judge(task, [f"Final Answer: {right}", f"Final Answer: {wrong}"])
    assert [verdict["accuracy"] for verdict in verdicts] == [1.0, 0.0]
    assert set(verdicts[0]) == set(task.aggregation()) == set(task.higher_is_better())
    assert all(task.higher_is_better().values())


@pytest.mark.parametrize("name", ANSWERS)
def test_a_model_is_asked_with_the_prompt_and_nothing_else_and_answers_greedily(name, tmp_path):
    task, _ = load(name, rows(name), tmp_path)
    task.build_all_requests(rank=0, world_size=1)
    for request in task.instances:
        prompt, how = request.args
        assert prompt == PROMPT
        assert how["do_sample"] is False
        assert how["until"] == []
    assert task.config.num_fewshot == 0
    assert task.VERSION == 2.0


def test_a_prompt_is_data_and_no_template(tmp_path):
    prompt = "{{ answer }} {% raw %}\nHow many plums?\n"
    task, _ = load("gsm8k", [{"id": "a", "prompt": prompt, "answer": "5"}], tmp_path)
    task.build_all_requests(rank=0, world_size=1)
    assert task.instances[0].args[0] == prompt


def test_the_readme_names_every_task():
    readme = (TASKS / "README.md").read_text()
    assert [name for name in ANSWERS if name not in readme and name.removeprefix("plan_bench") not in readme] == []


@pytest.mark.parametrize("name", ["lab", "gsm8k", "squad"])
def test_lm_eval_runs_a_task_on_a_tiny_model_offline(name, tiny_model, tmp_path, monkeypatch):
    from lm_eval import simple_evaluate

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    task, manager = load(name, rows(name), tmp_path)
    task.set_config("generation_kwargs", {"max_gen_toks": 8}, update=True)
    out = simple_evaluate(model=tiny_model, tasks=[task], task_manager=manager, bootstrap_iters=0)
    assert out["results"][name]["accuracy,none"] == 0.0
    assert [sample["doc"]["id"] for sample in out["samples"][name]] == ["a", "b"]
    assert out["versions"][name] == 2.0
    assert out["n-shot"][name] == 0
