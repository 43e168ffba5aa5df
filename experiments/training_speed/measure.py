"""Tokens per second and peak memory of fine-tuning: `fit` beside TRL's SFTTrainer, on one CPU thread or one GPU.

python experiments/training_speed/measure.py                     all systems, in turn, and the table
python experiments/training_speed/measure.py cuda                the same on a GPU: LoRA, frozen weights in bfloat16
python experiments/training_speed/measure.py cpu ours 15M 16     one run of one system: its figures as JSON
"""

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

SYSTEMS = {
    "ours": "padded rows, the steps of similar length",
    "ours, packed": "the same steps, several examples per row",
    "TRL": "SFTTrainer, given the same steps in the same order",
}
MODELS = {
    "15M": {"hidden_size": 256, "intermediate_size": 688, "num_hidden_layers": 8, "num_attention_heads": 4},
    "60M": {"hidden_size": 512, "intermediate_size": 1376, "num_hidden_layers": 14, "num_attention_heads": 8},
    "135M": {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
             "num_key_value_heads": 3, "vocab_size": 49_152},
    "1500M": {"hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28, "num_attention_heads": 12,
              "num_key_value_heads": 2, "vocab_size": 151_936},
}  # fmt: skip
"""Llama shapes; the last two are those of SmolLM2-135M and Qwen2.5-1.5B."""
STEPS = {"cpu": {"15M": 9, "60M": 5}, "cuda": {"135M": 24, "1500M": 12}}  # per run; the first ones warm up
WARM = {"cpu": 1, "cuda": 6}
BATCHES = {"cpu": 4, "cuda": 32}
EVERYWHERE = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
VOCABULARY, ROUNDS = 32_000, 2
OUT = Path("outputs/reports/training_speed")


def examples(n: int) -> list:
    """Random tokens with lengths like GSM8K's: prompts of 45 to 190, responses of 50 to 220 tokens."""
    from sppl.training.batches import Example

    draw = random.Random(0)
    token = partial(draw.randrange, 3, VOCABULARY)
    shapes = [(round(draw.triangular(45, 190, 90)), round(draw.triangular(50, 220, 100))) for _ in range(n)]
    return [
        Example(str(i), tuple(token() for _ in range(p)), tuple(token() for _ in range(r)))
        for i, (p, r) in enumerate(shapes)
    ]


def model(name: str, device: str) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from sppl.training.lora import Lora, add_lora

    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = LlamaConfig(**{"vocab_size": VOCABULARY, "tie_word_embeddings": True} | MODELS[name])
    if device == "cpu":
        return LlamaForCausalLM(config)
    with torch.device("cuda"):
        made = LlamaForCausalLM(config).to(torch.bfloat16)
        return add_lora(made, Lora(16, 32, 0.0, EVERYWHERE))


def clock(device: str) -> float:
    """Seconds of processor time; on a GPU of wall time, once its work is done."""
    if device == "cpu":
        return time.process_time()
    import torch

    torch.cuda.synchronize()
    return time.perf_counter()


def ours(name: str, device: str, data: list, batching: str, ticks: list[float]) -> None:
    import pytorch_lightning as pl

    from sppl.hardware.hardware import Hardware
    from sppl.training.fit import fit
    from sppl.training.lora import Lora
    from sppl.training.training_settings import Training

    class Clock(pl.Callback):
        def on_train_batch_end(self, *args: object) -> None:
            ticks.append(clock(device))

    hardware = Hardware("gpu" if device == "cuda" else "cpu", lightning={"enable_progress_bar": False})
    kind = {} if device == "cpu" else {"precision": "bf16-mixed", "lora": Lora(16, 32, 0.0, EVERYWHERE)}
    training = Training(epochs=1, batch_size=BATCHES[device], learning_rate=1e-4, batching=batching, **kind)  # pyright: ignore
    with tempfile.TemporaryDirectory() as folder:
        fit(
            model(name, device), data, training=training, trainer=hardware, seed=0, folder=Path(folder), loggers=[],
            callbacks=[Clock()],
        )  # fmt: skip


def trl(name: str, device: str, data: list, ticks: list[float]) -> None:
    from datasets import Dataset
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    class Clock(TrainerCallback):
        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            ticks.append(clock(device))

    words = models.WordLevel({"a": 0, "b": 1, "c": 2}, "a")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(words), pad_token="a", eos_token="b", unk_token="c")
    rows = [
        {"input_ids": list(e.prompt + e.response), "completion_mask": [0] * len(e.prompt) + [1] * len(e.response)}
        for e in data
    ]
    with tempfile.TemporaryDirectory() as folder:
        config = SFTConfig(
            output_dir=folder, per_device_train_batch_size=BATCHES[device], num_train_epochs=1, learning_rate=1e-4,
            lr_scheduler_type="cosine", warmup_steps=0.1, logging_steps=50, save_strategy="no", report_to=[],
            use_cpu=device == "cpu", bf16=device == "cuda", gradient_checkpointing=False, completion_only_loss=True,
            max_length=None, train_sampling_strategy="sequential", disable_tqdm=True, dataloader_pin_memory=False,
        )  # fmt: skip
        SFTTrainer(
            model(name, device), args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer,
            callbacks=[Clock()],
        ).train()  # fmt: skip


def measure(device: str, system: str, name: str, steps: int) -> dict[str, Any]:
    """Tokens (padding apart) per second and seconds of the steps that are not warming up; the peak of memory."""
    from sppl.training.batches import Steps

    batch, warm = BATCHES[device], WARM[device]
    data = examples(batch * steps)
    order = Steps(data, batch, seed=0).order(0)
    ticks: list[float] = []
    if system == "TRL":
        trl(name, device, [example for step in order for example in step], ticks)
    else:
        ours(name, device, data, "packed" if "packed" in system else "padded", ticks)
    seconds = [after - before for before, after in pairwise(ticks)][warm - 1 :]
    rates = [sum(map(len, step)) / took for step, took in zip(order[warm:], seconds, strict=True)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if device == "cuda":
        import torch

        peak = torch.cuda.max_memory_allocated() / 2**20
    return {"rates": rates, "seconds": seconds, "peak_mb": peak}


def main(device: str) -> None:
    import pandas as pd

    rows = []
    for name, steps in STEPS[device].items():
        for _ in range(ROUNDS if device == "cpu" else 1):
            for system in SYSTEMS:
                if device == "cuda" and "packed" in system:
                    continue
                command = [sys.executable, __file__, device, system, name, str(steps)]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                assert done.returncode == 0, done.stderr[-3000:]
                found = json.loads(done.stdout.splitlines()[-1])
                print(name, system, [round(rate) for rate in found["rates"]], round(found["peak_mb"]), flush=True)
                rows += [
                    {"system": system, "model": name, "tokens_per_second": rate, "seconds": took,
                     "peak_mb": found["peak_mb"]}
                    for rate, took in zip(found["rates"], found["seconds"], strict=True)
                ]  # fmt: skip
    table = pd.DataFrame(rows).groupby(["model", "system"], sort=False).median().reset_index()
    theirs = table[table["system"] == "TRL"].set_index("model")["tokens_per_second"]
    table["ratio_vs_trl"] = table["tokens_per_second"] / table["model"].map(theirs)
    table = table[["system", "model", "tokens_per_second", "seconds", "peak_mb", "ratio_vs_trl"]]
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / ("table.csv" if device == "cpu" else "cuda.csv")
    table.round({"tokens_per_second": 1, "seconds": 4, "peak_mb": 0, "ratio_vs_trl": 3}).to_csv(path, index=False)
    print(path.read_text())


if __name__ == "__main__":
    os.environ |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}
    warnings.simplefilter("ignore")
    if len(sys.argv) == 5:
        print(json.dumps(measure(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))))
    else:
        main(sys.argv[1] if len(sys.argv) > 1 else "cpu")
