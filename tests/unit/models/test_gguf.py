"""A GGUF file is a target like any other: the same logits, tokens and name by content; a broken one is named."""

import json
import shutil

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from sppl.models.gguf import convert
from sppl.models.target import TargetModel
from sppl.schemas import UserError

gguf = pytest.importorskip("gguf")
pytestmark = pytest.mark.filterwarnings("default")
HEADS, KEY_HEADS, WIDTH, LAYERS = 4, 2, 32, 2
NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
}  # fmt: skip


def permuted(weight: np.ndarray, heads: int) -> np.ndarray:
    """How GGUF's llama keeps queries and keys: the halves of each head interleaved."""
    split = weight.reshape(heads, 2, weight.shape[0] // heads // 2, weight.shape[1])
    return split.swapaxes(1, 2).reshape(weight.shape)


def write(model: LlamaForCausalLM, checkpoint, path, architecture: str = "llama") -> None:
    """The model and the lab's tokenizer as a GGUF file."""
    told = json.loads((checkpoint / "tokenizer.json").read_text())
    words = sorted(told["model"]["vocab"].items(), key=lambda item: item[1])
    added = {one["id"] for one in told["added_tokens"]}
    writer = gguf.GGUFWriter(str(path), architecture)
    config = model.config
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([word for word, _ in words])
    writer.add_token_types([3 if number in added else 1 for _, number in words])
    writer.add_token_merges([" ".join(pair) if isinstance(pair, list) else pair for pair in told["model"]["merges"]])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template("{% for m in messages %}{{ m.content }}{% endfor %}")
    state = {name: weight.float().numpy() for name, weight in model.state_dict().items()}
    writer.add_tensor("token_embd.weight", state["model.embed_tokens.weight"])
    writer.add_tensor("output_norm.weight", state["model.norm.weight"])
    for layer in range(LAYERS):
        for ours, theirs in NAMES.items():
            weight = state[f"model.layers.{layer}.{ours}.weight"]
            heads = {"attn_q": HEADS, "attn_k": KEY_HEADS}.get(theirs)
            writer.add_tensor(f"blk.{layer}.{theirs}.weight", permuted(weight, heads) if heads else weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture
def checkpoint(root):
    return root / "sppl" / "lab" / "checkpoint"


@pytest.fixture
def model(checkpoint) -> LlamaForCausalLM:
    torch.manual_seed(0)
    vocabulary = len(AutoTokenizer.from_pretrained(checkpoint))
    shape = {"hidden_size": WIDTH, "intermediate_size": 64, "num_hidden_layers": LAYERS, "max_position_embeddings": 64}
    heads = {"num_attention_heads": HEADS, "num_key_value_heads": KEY_HEADS, "head_dim": WIDTH // HEADS}
    return LlamaForCausalLM(LlamaConfig(vocab_size=vocabulary, tie_word_embeddings=True, **shape, **heads)).eval()


def test_a_gguf_file_is_read_as_the_model_it_was_made_of_and_can_be_trained_and_saved(model, checkpoint, tmp_path):
    path = tmp_path / "tiny.gguf"
    write(model, checkpoint, path)
    target = TargetModel("t", str(path))
    read, ids = target.load(), torch.arange(3, 30)[None]
    with torch.no_grad():
        torch.testing.assert_close(read(ids).logits, model(ids).logits, rtol=1e-4, atol=1e-5)
    assert type(read) is LlamaForCausalLM
    assert read.lm_head.weight is read.model.embed_tokens.weight
    read(ids, labels=ids).loss.backward()
    convert(path, tmp_path / "folder")
    folder = TargetModel("t", str(tmp_path / "folder"))
    with torch.no_grad():
        assert torch.equal(folder.load()(ids).logits, read(ids).logits)
    text = "Ann has 15 plums."
    assert target.tokenizer()(text)["input_ids"] == folder.tokenizer()(text)["input_ids"]
    plain = AutoTokenizer.from_pretrained(checkpoint)
    assert target.tokenizer().decode(target.tokenizer()(text)["input_ids"]) == plain.decode(plain(text)["input_ids"])


def test_its_name_changes_with_its_content(model, checkpoint, tmp_path):
    write(model, checkpoint, tmp_path / "one.gguf")
    shutil.copy(tmp_path / "one.gguf", tmp_path / "same.gguf")
    with torch.no_grad():
        model.model.norm.weight.add_(0.5)
    write(model, checkpoint, tmp_path / "other.gguf")
    one, same, other = (
        TargetModel("t", str(tmp_path / f"{name}.gguf")).identity["source"] for name in ("one", "same", "other")
    )
    assert one == same != other


def test_a_broken_or_unknown_file_is_named(model, checkpoint, tmp_path):
    path = tmp_path / "tiny.gguf"
    write(model, checkpoint, path)
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=r"cut.gguf \([\d,]+ bytes\) cannot be read .* cut short"):
        TargetModel("t", str(cut)).load()
    write(model, checkpoint, tmp_path / "strange.gguf", "plasma")
    with pytest.raises(UserError, match=r"strange.gguf .* cannot be read .*architecture"):
        TargetModel("t", str(tmp_path / "strange.gguf")).load()
    (tmp_path / "text.gguf").write_text("hello")
    with pytest.raises(UserError, match=r"text\.gguf is no GGUF file"):
        TargetModel("t", str(tmp_path / "text.gguf")).load()


def test_the_missing_package_is_named_with_the_line_that_installs_it(tmp_path, monkeypatch):
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr("sppl.models.gguf.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install .*\[gguf\]"):
        TargetModel("t", str(tmp_path / "m.gguf")).load()
