"""Rules of the lab's tokenizer and corpus: any text is encodable, prompt and response tokens never mix."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sppl.lab.checkpoint_settings import CheckpointSettings, settings_hash
from sppl.lab.corpus import CorpusRecipe, Document, documents, held_out_documents
from sppl.lab.dialects import DIALECTS
from sppl.lab.pretrain import CHECKPOINT
from sppl.lab.source import LabQuestions
from sppl.lab.tokenizer import BOS, EOS, encode_document
from sppl.lab.world import sample_problem


@pytest.fixture(scope="module")
def tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(CHECKPOINT)


def chat(tokenizer, *contents: str) -> list[dict[str, str]]:
    return [{"role": ("user", "assistant")[i % 2], "content": content} for i, content in enumerate(contents)]


@given(text=st.text())
def test_any_text_survives_a_round_trip(tokenizer, text: str):
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


@given(number=st.integers(0, 10**6))
def test_every_digit_is_one_token(tokenizer, number: int):
    assert len(tokenizer.encode(f"= {number}", add_special_tokens=False)) == 1 + len(str(number))


@given(question=st.text(), answer=st.text())
def test_prompt_and_response_apart_are_the_conversation(tokenizer, question: str, answer: str):
    prompt = tokenizer.apply_chat_template(
        chat(tokenizer, question), tokenize=True, add_generation_prompt=True, return_dict=False
    )
    response = tokenizer.encode(answer, add_special_tokens=False)
    whole = tokenizer.apply_chat_template(chat(tokenizer, question, answer), tokenize=True, return_dict=False)
    assert [*prompt, *response, tokenizer.eos_token_id] == whole


def test_a_conversation_has_exactly_one_bos_and_an_eos_per_answer(tokenizer):
    ids = tokenizer.apply_chat_template(chat(tokenizer, "a", "b", "c", "d"), tokenize=True, return_dict=False)
    assert ids[0] == tokenizer.bos_token_id
    assert ids.count(tokenizer.bos_token_id) == 1
    assert ids.count(tokenizer.eos_token_id) == 2
    assert ids[-1] == tokenizer.eos_token_id


def test_the_rendered_text_tokenizes_to_the_template_s_ids(tokenizer):
    messages = chat(tokenizer, "How many?", "#### 3")
    rendered = tokenizer.apply_chat_template(messages, tokenize=False)
    assert tokenizer(rendered)["input_ids"] == tokenizer.apply_chat_template(messages, return_dict=False)


@given(question=st.text(min_size=1), answer=st.text())
def test_the_corpus_is_written_in_the_chat_template(tokenizer, question: str, answer: str):
    ids, n_prompt = encode_document(tokenizer, Document(question, answer))
    messages = chat(tokenizer, question, answer)
    assert ids == tokenizer.apply_chat_template(messages, tokenize=True, return_dict=False)
    prompt = tokenizer.apply_chat_template(messages[:1], tokenize=True, add_generation_prompt=True, return_dict=False)
    assert ids[:n_prompt] == prompt


def test_a_document_without_turns_is_text_between_bos_and_eos(tokenizer):
    ids, n_prompt = encode_document(tokenizer, Document(None, "1 + 1 = 2"))
    assert (tokenizer.decode(ids), n_prompt) == (f"{BOS}1 + 1 = 2{EOS}", 1)


def test_padding_is_no_token_of_a_text(tokenizer):
    assert len({tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id}) == 3


def test_every_dialect_has_a_share_of_the_corpus():
    mix = dict(CorpusRecipe().mix)
    assert set(mix) == set(DIALECTS)
    assert min(mix.values()) >= 0.02
    assert sum(mix.values()) == pytest.approx(1.0)
    assert max(mix, key=lambda name: mix[name]) == "own"


def test_the_corpus_is_a_function_of_its_seed():
    small = CorpusRecipe(pairs=20, in_context=5, bare=5, facts=5)
    first, again, other = (list(documents(small, seed=seed)) for seed in (0, 0, 1))
    assert first == again != other


def test_the_corpus_holds_no_question_of_the_tasks():
    corpus = CorpusRecipe(pairs=2000, in_context=0, bare=0, facts=0)
    asked = {document.user for document in documents(corpus, seed=0)}
    held_out = {document.user for document in held_out_documents()}
    tasks = {q.prompt for split in ("train", "validation", "test") for q in LabQuestions().questions(split)}
    assert not asked & (tasks | held_out)


def test_the_examples_of_an_in_context_document_are_in_the_answer_s_dialect():
    corpus = CorpusRecipe(pairs=0, in_context=300, bare=0, facts=0, mix=(("step_by_step", 0.5), ("own", 0.5)))
    for document in documents(corpus, seed=0):
        assert document.user
        assert ("Step 1" in document.response) == ("Step 1" in document.user)
        assert document.user.count("####") >= 1


def test_the_recipe_hash_changes_with_any_setting():
    recipe = CheckpointSettings()
    others = [
        replace(recipe, seed=1),
        replace(recipe, muon_lr=recipe.muon_lr / 2),
        replace(recipe, corpus=replace(recipe.corpus, pairs=recipe.corpus.pairs + 1)),
    ]
    assert len({settings_hash(r) for r in (recipe, *others)}) == 4


def test_the_recipe_hash_changes_with_a_dialect_s_words(monkeypatch):
    before = settings_hash()
    monkeypatch.setitem(DIALECTS, "human", lambda problem, rng: f"{problem.start} and so on\n#### {problem.total}")
    assert settings_hash() != before


def test_sampling_a_problem_twice_with_one_seed_gives_one_problem():
    assert sample_problem(random.Random(3), 2) == sample_problem(random.Random(3), 2)
