"""Tiny models with a trait each, from question to verdict: right, token by token, or refused in a sentence."""

import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
import yaml
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers import logging as transformers_logging

from sppl.lab.source import LabQuestions
from tests.conftest import ROOT
from tests.end_to_end import traits as t
from tests.end_to_end.traits import Trait, architecture, edit, only_config, weights, write

pytestmark = pytest.mark.filterwarnings("default")
SETTINGS = [
    "stage=[generate,predict,score,finetune,benchmark]", "strategy=[gpt4]", "n_train=8", "n_test=4", "n_score=4",
    "n_predict=8", "training.epochs=1", "training.batch_size=4", "metric=[sppl,perplexity]", "target_model.name=tiny",
]  # fmt: skip
SHORT = ("benchmark.max_new_tokens=12",)
PACKED = ("training.batching=packed", *SHORT)
EAGER = ("target_model.attention=eager", *PACKED)
PADDED = "is trained with padding"

TRAITS = {
    # where an answer ends
    "ends only in generation_config.json": Trait(
        t.all_of(edit("tokenizer_config.json", eos_token="<|system|>"), edit("config.json", eos_token_id=4),
                 edit("generation_config.json", eos_token_id=[4, 2]),
                 write("chat_template.jinja", lambda text: text.replace("eos_token", "'<|end|>'"))), same=True),
    "a turn ends with a token of the template alone": Trait(
        t.all_of(edit("tokenizer_config.json", eos_token="<|system|>"), edit("config.json", eos_token_id=4),
                 edit("generation_config.json", eos_token_id=4),
                 write("chat_template.jinja", lambda text: text.replace("eos_token", "'<|end|>'"))), same=True),
    "no token ends an answer": Trait(t.without_ends, says="nothing", refused=True),
    "no padding token": Trait(
        t.all_of(edit("tokenizer_config.json", pad_token=None), edit("config.json", pad_token_id=None),
                 edit("generation_config.json", pad_token_id=None)), same=True),
    # settings of its own
    "a repetition penalty, three tokens at most": Trait(
        edit("generation_config.json", repetition_penalty=1.3, max_new_tokens=3, do_sample=True, temperature=0.7),
        says="is left out: ", same=True),
    "beams, bad words and a stop string": Trait(
        edit("generation_config.json", num_beams=4, bad_words_ids=[[40]], stop_strings=["="]),
        says="is left out: ", same=True),
    "a stop string, to be followed": Trait(
        edit("generation_config.json", stop_strings=["="]), ("target_model.generation=model",),
        "cannot follow stop_strings", refused=True),
    # templates
    "a template that thinks": Trait(write("chat_template.jinja", lambda _: t.THINKS),
                                    says="writes '(thought: )' before a response"),
    "a template that thinks, told not to": Trait(write("chat_template.jinja", lambda _: t.THINKS),
                                   ("target_model.template_options={enable_thinking: false}",)),
    "an option the template does not know": Trait(
        lambda _: None, ("target_model.template_options={enable_thinking: false}",), "enable_thinking", refused=True),
    "a template with the day": Trait(
        write("chat_template.jinja", lambda text: t.DATED + text.replace("{{- bos_token -}}", ""))),
    "templates by name, none of them the default": Trait(
        lambda folder: _named_templates(folder, "tool_use"), says="chat_template", refused=True),
    "templates by name, one of them asked for": Trait(
        lambda folder: _named_templates(folder, "plain"), ("target_model.template_options={chat_template: plain}",)),
    "no chat template": Trait(lambda folder: (folder / "chat_template.jinja").unlink(), says="chat template",
                              refused=True),
    # weights
    "a head of its own": Trait(
        t.all_of(edit("config.json", tie_word_embeddings=False),
                 weights(lambda found: found.update({"lm_head.weight": found["model.embed_tokens.weight"].clone()}))),
        same=True),
    "an adapter": Trait(t.adapter("q_proj", "down_proj")),
    "an adapter on a head that is tied": Trait(t.adapter("q_proj", "lm_head")),
    "to be trained by an adapter on a tied head": Trait(
        lambda _: None, ("training=lora", "training.lora.targets=[q_proj,lm_head]"), "shares its weights",
        refused=True),
    "dtype bf16": Trait(lambda _: None, ("target_model.dtype=bf16",), tolerance=0.15),
    "dtype torch.float32": Trait(lambda _: None, ("target_model.dtype=torch.float32",), same=True),
    "dtype int8": Trait(lambda _: None, ("target_model.dtype=int8",), "weights can be float32", refused=True),
    "a weight that is NaN": Trait(
        weights(lambda found: found["model.layers.2.mlp.up_proj.weight"].__setitem__((0, 0), float("nan"))),
        says="model.layers.2.mlp.up_proj.weight", refused=True),
    "a weight too large for float16": Trait(
        weights(lambda found: found["model.norm.weight"].__setitem__(0, 1e6)), ("target_model.dtype=half",),
        "model.norm.weight; numbers too large for float16", refused=True),
    "a weight that is missing": Trait(weights(lambda found: found.pop("model.norm.weight")),  # type: ignore
                                      says="model.norm.weight missing", refused=True),
    "more tokens than rows": Trait(t.grown_tokenizer, says="no embedding", refused=True),
    **{
        f"quantised by {method}": Trait(edit("config.json", quantization_config={"quant_method": method, **more}),
                                        says=f"quantised ({method})", refused=True)
        for method, more in (("gptq", {"bits": 4}), ("bitsandbytes", {"load_in_4bit": True}),
                             ("compressed-tensors", {"format": "pack-quantized"}), ("hqq", {}), ("mxfp4", {}))
    },
    # architectures
    "an attention of its own": Trait(architecture("Gemma2Config", sliding_window=8), SHORT,
                                     "target_model.attention=eager", refused=True),
    "a sliding window": Trait(architecture("MistralConfig", sliding_window=8), PACKED),
    "windows in some layers, capped logits": Trait(architecture("Gemma2Config", sliding_window=8), EAGER),
    "attention sinks and experts": Trait(
        architecture("GptOssConfig", num_local_experts=2, num_experts_per_tok=1, sliding_window=8), EAGER),
    "convolutions": Trait(architecture("Lfm2Config", layer_types=["conv", "full_attention"]), PACKED, PADDED),
    "states that recur": Trait(
        architecture("MambaConfig", state_size=4), EAGER, PADDED),
    "states and attention": Trait(
        architecture("FalconH1Config", mamba_d_ssm=32, mamba_n_heads=4, mamba_d_head=8, mamba_d_state=8), PACKED,
        PADDED),
    "positions by distance (MPT)": Trait(
        architecture("MptConfig", d_model=32, n_heads=4, n_layers=2, max_seq_len=2048), EAGER, PADDED),
    "factors for long texts": Trait(
        architecture("Phi3Config", original_max_position_embeddings=64,
                     rope_parameters={"rope_type": "longrope", "rope_theta": 1e4, "short_factor": [1.0] * 4,
                                      "long_factor": [2.0, 3.0, 4.0, 5.0], "factor": 64.0,
                                      "original_max_position_embeddings": 64}), SHORT),
    "room for 150 tokens": Trait(edit("config.json", max_position_embeddings=150), says="150", refused=True),
    "a wrapper that also reads pictures (Gemma 3)": Trait(t.gemma_3, SHORT),
    "one that is no causal language model (LLaVA)": Trait(
        only_config("LlavaConfig"), says="is a Llava, which is no causal language model", refused=True),
    "an encoder (BERT)": Trait(only_config("BertConfig", vocab_size=640), says="target_model.path", refused=True),
    "encoder and decoder (T5)": Trait(only_config("T5Config", vocab_size=640), says="encoder", refused=True),
}  # fmt: skip


class July26(datetime):
    """The day templates are told, for transformers' own clock."""

    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26)


def _named_templates(folder: Path, name: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = {name: tokenizer.chat_template, "other": tokenizer.chat_template}
    (folder / "chat_template.jinja").unlink()
    tokenizer.save_pretrained(folder)


def made(store: Path) -> SimpleNamespace:
    """What a command left, whatever its name."""
    frames = {path: pd.read_parquet(path) for path in sorted(store.rglob("*.parquet"))}
    of = lambda column: [frame for frame in frames.values() if column in frame]  # noqa: E731
    scores = [frame for path, frame in frames.items() if "logprob" in frame and "/question" in str(path)]
    return SimpleNamespace(
        predictions=list(of("prediction")[0]["prediction"]) if of("prediction") else [],
        responses=of("response")[0] if of("response") else None,
        scores=scores[0] if scores else None,
        answers=[
            list(frame["answer"]) + list(frame["correct"])
            for frame in of("correct")
            if "answer" in frame and "question" not in frame
        ],  # results, not the verdicts behind them
    )


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory) -> SimpleNamespace:
    """What the lab's model itself leaves."""
    folder = tmp_path_factory.mktemp("unchanged")
    shutil.copytree(t.LAB, folder / "model")
    argv = [
        "target_model=lab",
        f"target_model.path={folder}/model",
        f"store={folder}/store",
        f"hydra.run.dir={folder}/run",
    ]
    command = [sys.executable, "run.py", *SETTINGS, *argv, f"reports={folder}/reports"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return made(folder / "store")


def alone(folder: Path, trait: Trait, scored: pd.DataFrame, responses: pd.DataFrame) -> list[float]:
    """The log-probabilities of scored tokens, one conversation at a time, by transformers and nothing of ours."""
    options = dict(_given(trait.settings))
    tokenizer, model = AutoTokenizer.from_pretrained(folder), _read(folder)
    questions = {question.id: question for question in LabQuestions().questions("train")}
    found: list[float] = []
    for name, rows in scored.groupby("example_id", sort=False):
        response = responses.set_index("question_id").loc[name, "response"]
        turns = [{"role": "user", "content": questions[name].prompt}, {"role": "assistant", "content": response}]
        whole = tokenizer.apply_chat_template(turns, return_dict=False, **options)
        ids = list(rows["token_id"])
        place = next(at for at in range(len(whole) - len(ids), 0, -1) if whole[at : at + len(ids)] == ids)
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([whole[: place + len(ids)]]), use_cache=False).logits[0]
        found += logits.log_softmax(-1)[range(place - 1, place + len(ids) - 1), ids].tolist()
    return found


def _read(folder: Path):
    if not (folder / "adapter_config.json").exists():
        return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(t.LAB), folder).eval()


def _given(settings):
    for setting in settings:
        if setting.startswith("target_model.template_options="):
            yield from yaml.safe_load(setting.partition("=")[2]).items()


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAITS)
def test_a_model_with_a_trait_is_right_or_refused(name, tmp_path, run_py, unchanged, monkeypatch):
    trait, folder = TRAITS[name], tmp_path / "model"
    shutil.copytree(t.LAB, folder)
    transformers_logging.set_verbosity_error()
    trait.change(folder)
    done = run_py(
        *SETTINGS, "target_model=lab", f"target_model.path={folder}", *trait.settings, store=tmp_path / "store"
    )
    assert trait.says in done.out
    assert "Traceback" not in done.out
    if trait.refused:
        assert done.code == 1
        return
    assert done.code in (0, None), done.out
    found = made(tmp_path / "store")
    monkeypatch.setattr("transformers.utils.chat_template_utils.datetime", July26)
    ours, theirs = list(found.scores["logprob"]), alone(folder, trait, found.scores, found.responses)
    assert ours == pytest.approx(theirs, abs=trait.tolerance, rel=trait.tolerance)
    if trait.same:
        assert found.predictions == unchanged.predictions
        assert ours == pytest.approx(list(unchanged.scores["logprob"]), abs=1e-4)
        assert found.answers == unchanged.answers


def test_the_page_on_models_has_a_line_for_every_trait():
    page = (ROOT / "docs/models.md").read_text()
    assert len(TRAITS) >= 20
    assert {name for name in TRAITS if f"| {name} |" not in page} == set()
