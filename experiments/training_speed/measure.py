"""Tokens per second and peak memory of fine-tuning: `fit` beside TRL's SFTTrainer, on one CPU thread.

python experiments/training_speed/measure.py                 all systems, in turn, and the table
python experiments/training_speed/measure.py ours 15M 16     one run of one system: its figures as JSON
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
}
STEPS = {"15M": 9, "60M": 5}  # per run; the first one warms up
VOCABULARY, BATCH, ROUNDS = 32_000, 4, 2
OUT = Path("outputs/reports/training_speed/table.csv")


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


def model(name: str) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.set_num_threads(1)
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(vocab_size=VOCABULARY, tie_word_embeddings=True, **MODELS[name]))


def ours(name: str, data: list, batching: str, ticks: list[float]) -> None:
    import pytorch_lightning as pl

    from sppl.training.fit import fit
    from sppl.training.training_settings import Training

    class Clock(pl.Callback):
        def on_train_batch_end(self, *args: object) -> None:
            ticks.append(time.process_time())

    def trainer(callbacks: list, **settings: Any) -> pl.Trainer:
        return pl.Trainer(**settings, callbacks=[Clock(), *callbacks], accelerator="cpu", enable_progress_bar=False)

    training = Training(epochs=1, batch_size=BATCH, learning_rate=1e-4, batching=batching)  # pyright: ignore
    with tempfile.TemporaryDirectory() as folder:
        fit(model(name), data, training=training, trainer=trainer, seed=0, folder=Path(folder), loggers=[])


def trl(name: str, data: list, ticks: list[float]) -> None:
    from datasets import Dataset
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    class Clock(TrainerCallback):
        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            ticks.append(time.process_time())

    words = models.WordLevel({"a": 0, "b": 1, "c": 2}, "a")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(words), pad_token="a", eos_token="b", unk_token="c")
    rows = [
        {"input_ids": list(e.prompt + e.response), "completion_mask": [0] * len(e.prompt) + [1] * len(e.response)}
        for e in data
    ]
    with tempfile.TemporaryDirectory() as folder:
        config = SFTConfig(
            output_dir=folder, per_device_train_batch_size=BATCH, num_train_epochs=1, learning_rate=1e-4,
            lr_scheduler_type="cosine", warmup_steps=0.1, logging_steps=50, save_strategy="no", report_to=[],
            use_cpu=True, bf16=False, gradient_checkpointing=False, completion_only_loss=True, max_length=None,
            train_sampling_strategy="sequential", disable_tqdm=True, dataloader_pin_memory=False,
        )  # fmt: skip
        SFTTrainer(
            model(name), args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer,
            callbacks=[Clock()],
        ).train()  # fmt: skip


def measure(system: str, name: str, steps: int) -> dict[str, Any]:
    """Tokens (padding apart) per second of processor time of every step after the first; the process's peak memory."""
    from sppl.training.batches import Steps

    data = examples(BATCH * steps)
    order = Steps(data, BATCH, seed=0).order(0)
    ticks: list[float] = []
    if system == "TRL":
        trl(name, [example for step in order for example in step], ticks)
    else:
        ours(name, data, "packed" if "packed" in system else "padded", ticks)
    seconds = [after - before for before, after in pairwise(ticks)]
    rates = [sum(map(len, step)) / took for step, took in zip(order[1:], seconds, strict=True)]
    return {"rates": rates, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    import pandas as pd

    rows = []
    for name, steps in STEPS.items():
        for _ in range(ROUNDS):
            for system in SYSTEMS:
                command = [sys.executable, __file__, system, name, str(steps)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                found = json.loads(done.stdout.splitlines()[-1])
                print(name, system, [round(rate) for rate in found["rates"]], round(found["peak_mb"]), flush=True)
                rows += [
                    {"system": system, "model": name, "tokens_per_second": rate, "peak_mb": found["peak_mb"]}
                    for rate in found["rates"]
                ]
    table = pd.DataFrame(rows).groupby(["model", "system"], sort=False).median().reset_index()
    theirs = table[table["system"] == "TRL"].set_index("model")["tokens_per_second"]
    table["ratio_vs_trl"] = table["tokens_per_second"] / table["model"].map(theirs)
    table = table[["system", "model", "tokens_per_second", "peak_mb", "ratio_vs_trl"]]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    table.round({"tokens_per_second": 1, "peak_mb": 0, "ratio_vs_trl": 3}).to_csv(OUT, index=False)
    print(OUT.read_text())


if __name__ == "__main__":
    os.environ |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}
    warnings.simplefilter("ignore")
    if len(sys.argv) == 4:
        print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
    else:
        main()
