"""A model of one's own, random and without a chat template, and few data: a path and a folder are all that is typed."""

import json

import pandas as pd
import pytest
import torch
from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

from sppl.packaged import lab_checkpoint

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def base_model(tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(lab_checkpoint())
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=1024, eos_token_id=tokenizer.eos_token_id, bos_token_id=None,
    )  # fmt: skip
    Qwen2ForCausalLM(config).to(torch.bfloat16).save_pretrained(tmp_path / "My Base")
    tokenizer.chat_template = None
    tokenizer.save_pretrained(tmp_path / "My Base")
    return tmp_path / "My Base"


def test_a_base_model_by_its_path_and_few_rows_go_through_the_whole_loop(run_py, base_model, tmp_path):
    folder, store = tmp_path / "data", tmp_path / "store"
    folder.mkdir()
    for name, words in {"short": "{}", "long": "Let us add. Final Answer: {}"}.items():
        rows = [
            {"question": f"What is {n} + 1?", "response": words.format(n + 1), "gold": str(n + 1)} for n in range(10)
        ]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = ["benchmark=local", "benchmark.answer=number", f"data_dir={folder}", "benchmark.max_new_tokens=16"]
    small = ["metric=[sppl,perplexity]", "training.epochs=1"]
    done = run_py(*task, *small, f"target_model.path={base_model}", store=store)
    assert done.code == 0, done.out
    assert "your own model: name My_Base, dtype bfloat16, template paper; unless you type another: target_" in done.out
    said = "your data: no test questions, so the last 2 training questions are held out to test on; "
    assert f"{said}n_predict=8, n_score=8, n_train=8, n_test=2 is all there is" in done.out
    results = list((store / "results" / "local" / "My_Base").rglob("*.parquet"))
    assert {len(pd.read_parquet(path)) for path in results} == {2}
    assert len(results) == 3


def test_a_number_that_was_typed_is_not_lowered(run_py, root, tmp_path):
    task = ["benchmark=local", "benchmark.answer=number", f"data_dir={root}/experiments/own_task/data"]
    done = run_py("stage=[generate]", *task, "n_score=999", store=tmp_path / "store")
    assert done.code == 1
    assert "999 were asked for" in done.out


def test_a_refused_run_leaves_a_store_that_the_next_one_can_use(run_py, root, tmp_path):
    task = ["benchmark=local", "benchmark.answer=number", f"data_dir={root}/experiments/own_task/data"]
    refused = run_py("stage=[predict]", *task, "n_predict=4", "benchmark.max_new_tokens=99999", store=tmp_path / "s")
    assert refused.code == 1
    done = run_py("stage=[predict]", *task, "n_predict=4", "benchmark.max_new_tokens=4", store=tmp_path / "s")
    assert done.code == 0, done.out


def test_what_a_path_implies_is_not_called_typed(run_py, root, tmp_path):
    task = ["benchmark=local", "benchmark.answer=number", f"data_dir={root}/experiments/own_task/data", "seed=3"]
    done = run_py("stage=[generate]", *task, f"target_model.path={root}/sppl/lab/checkpoint", store=tmp_path / "store")
    assert done.code == 0, done.out
    (idle,) = [line for line in done.out.splitlines() if "typed, and not used" in line]
    assert "seed=3" in idle
    assert "trainer" not in idle
