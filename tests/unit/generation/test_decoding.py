"""Batches answer as one prompt at a time does, rows that have ended leave, and one rule says what ends an answer."""

from types import SimpleNamespace

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    Phi3Config,
    Qwen2Config,
)

from sppl.data.tokens import rendering_of
from sppl.generation import answering
from sppl.generation.answering import continue_prompts
from sppl.generation.batch_trial import decode_alone
from sppl.generation.decoding import decode, most_likely, sample_tokens
from sppl.generation.ends import end_tokens
from sppl.generation.graphed import cut_at_end, decode_graphed
from sppl.schemas import Sampling, UserError

VOCABULARY, ENDS = 60, frozenset({1, 2})
SHAPE = {
    "vocab_size": VOCABULARY, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
    "num_attention_heads": 4, "max_position_embeddings": 128, "initializer_range": 0.6,
}  # fmt: skip
CONFIGS = {
    "llama": LlamaConfig(**SHAPE, num_key_value_heads=2),
    "qwen2": Qwen2Config(**SHAPE, num_key_value_heads=2),
    "gpt_neox": GPTNeoXConfig(**SHAPE),
    "mistral_sliding": MistralConfig(**SHAPE, num_key_value_heads=2, sliding_window=6),
}
PROMPTS = [tuple(range(3, 3 + n)) for n in (4, 9, 6, 17, 5, 8, 12, 3)]


def model_of(name: str):
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(CONFIGS[name]).eval()


def one_by_one(model, longest: int = 24) -> list[list[int]]:
    """What transformers itself generates for each prompt alone, as far as its end."""
    found = []
    for prompt in PROMPTS:
        how = GenerationConfig(do_sample=False, max_new_tokens=longest, eos_token_id=sorted(ENDS), pad_token_id=0)
        made = model.generate(torch.tensor([prompt]), generation_config=how)
        found.append(made[0, len(prompt) :].tolist())
    return found


@pytest.mark.parametrize("name", CONFIGS)
def test_a_batch_gives_greedy_answers_of_one_prompt_at_a_time(name):
    model = model_of(name)
    with torch.inference_mode():
        found = decode(model, PROMPTS, ends=ENDS, max_new_tokens=24, choose=most_likely)
    assert found == one_by_one(model)
    assert any(answer[-1] in ENDS and len(answer) < 24 for answer in found)  # some end early, or this shows nothing


@pytest.mark.parametrize("name", ["llama", "qwen2", "gpt_neox"])
def test_recorded_steps_give_the_same_answers(name):
    model = model_of(name)
    with torch.inference_mode():
        assert decode_graphed(model, PROMPTS, ends=ENDS, max_new_tokens=24) == one_by_one(model)


def test_rows_that_have_ended_leave_the_batch():
    model, sizes = model_of("llama"), []
    model.model.register_forward_pre_hook(
        lambda part, args, named: sizes.append(len(named["input_ids"])), with_kwargs=True
    )
    with torch.inference_mode():
        answers = decode(model, PROMPTS, ends=ENDS, max_new_tokens=24, choose=most_likely)
    assert sizes[0] == len(PROMPTS)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < len(PROMPTS)
    assert sum(sizes[1:]) < len(PROMPTS) * max(map(len, answers))


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_the_size_of_a_batch_changes_no_answer_and_the_order_is_the_prompts(batch_size):
    model = model_of("llama")
    found = continue_prompts(model, PROMPTS, ends=ENDS, max_new_tokens=24, batch_size=batch_size)
    assert found == one_by_one(model)


def test_out_of_memory_halves_the_batch_and_later_ones(monkeypatch, caplog):
    model, sizes = model_of("llama"), []

    def small(model, prompts, **rest):
        sizes.append(len(prompts))
        if len(prompts) > 3:
            raise torch.OutOfMemoryError("too many")
        return decode(model, prompts, **rest)

    monkeypatch.setattr(answering, "decoder_of", lambda _: small)
    assert continue_prompts(model, PROMPTS, ends=ENDS, max_new_tokens=24, batch_size=8) == one_by_one(model)
    assert sizes == [8, 4, 2, 2, 2, 2]
    assert "out of memory with 8 answers at once: going on with 4" in caplog.text


def test_drawn_answers_depend_on_the_prompt_and_the_seed_alone():
    model = model_of("llama")
    given = {"ends": ENDS, "max_new_tokens": 24}
    both = continue_prompts(model, PROMPTS, sampling=Sampling(seed=1), **given)
    alone = [continue_prompts(model, [one], sampling=Sampling(seed=1), **given)[0] for one in PROMPTS]
    assert both == alone
    assert both != continue_prompts(model, PROMPTS, sampling=Sampling(seed=2), **given)


def test_drawing_follows_temperature_top_k_and_top_p():
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]]))

    def counts(sampling: Sampling) -> list[int]:
        choose = sample_tokens(sampling, [(7,)])
        found = [choose(logits, [0])[0] for _ in range(4000)]
        return [found.count(token) for token in range(4)]

    plain = counts(Sampling())
    assert all(abs(count / 4000 - p) < 0.03 for count, p in zip(plain, [0.5, 0.3, 0.15, 0.05], strict=True))
    assert counts(Sampling(top_k=2))[2:] == [0, 0]
    assert counts(Sampling(top_p=0.7))[2:] == [0, 0]
    assert counts(Sampling(temperature=0.05))[0] > 3900


def test_an_answer_ends_at_the_tokenizers_end_the_models_ends_and_the_templates_end_of_a_turn(root):
    tokenizer = AutoTokenizer.from_pretrained(root / "sppl" / "lab" / "checkpoint")
    own = tokenizer.eos_token_id

    def ends(config: GenerationConfig) -> frozenset[int]:
        return end_tokens(rendering_of(tokenizer), config)

    assert ends(GenerationConfig(eos_token_id=own)) == {own}
    assert ends(GenerationConfig(eos_token_id=[own, 7, 9])) == {own, 7, 9}
    tokenizer.add_special_tokens({"additional_special_tokens": ["<end_of_turn>"]})
    tokenizer.chat_template = (
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}<end_of_turn>\n{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    turn = tokenizer.convert_tokens_to_ids("<end_of_turn>")
    assert ends(GenerationConfig(eos_token_id=None)) == {own, turn}
    tokenizer.chat_template = tokenizer.chat_template.replace("<end_of_turn>", "")
    assert ends(GenerationConfig()) == {own}
    tokenizer.eos_token = None
    assert ends(GenerationConfig(eos_token_id=7)) == {7}
    with pytest.raises(UserError, match="nothing would end an answer"):
        ends(GenerationConfig())


def test_what_comes_after_the_first_end_is_cut():
    assert cut_at_end([5, 6, 1, 7, 2], ENDS, 10) == [5, 6, 1]
    assert cut_at_end([5, 6, 7, 8], ENDS, 3) == [5, 6, 7]


def longrope(limit: int = 32) -> Phi3Config:
    """Positions up to the limit have one set of factors, passes beyond it another."""
    factors = {"short_factor": [1.0] * 8, "long_factor": [4.0] * 8, "original_max_position_embeddings": limit}
    return Phi3Config(
        vocab_size=VOCABULARY, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=512, original_max_position_embeddings=limit, initializer_range=0.4, pad_token_id=0,
        rope_parameters={"rope_type": "longrope", "rope_theta": 10000.0, **factors},
    )  # fmt: skip


def test_where_positions_change_with_length_no_answer_depends_on_the_batch():
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(longrope()).eval()
    prompts = [tuple(range(3, 3 + n)) for n in (6, 20, 50, 8, 40)]  # 20 and 16 more cross 32
    found = continue_prompts(model, prompts, ends=ENDS, max_new_tokens=16, batch_size=8)
    with torch.inference_mode():
        assert found == decode_alone(model, prompts, ends=ENDS, max_new_tokens=16, choose=most_likely)
        assert found != decode(model, prompts, ends=ENDS, max_new_tokens=16, choose=most_likely)  # all in one


@pytest.mark.parametrize(("attention", "recorded"), [("sdpa", True), ("eager", False), ("flash_attention_2", False)])
def test_steps_are_recorded_where_attention_understands_which_part_of_a_buffer_counts(attention, recorded):
    model = model_of("llama")
    model.config._attn_implementation = attention
    on_gpu = SimpleNamespace(device=torch.device("cuda"), config=model.config, get_base_model=lambda: model)
    assert answering._graphs(on_gpu, 100) == recorded
