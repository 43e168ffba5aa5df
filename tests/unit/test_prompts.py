import pytest
from hypothesis import given
from hypothesis import strategies as st

from sppl.prompts import SelfAligned, SelfAlignedPrompt, paper_frame, rotate

PROMPT = SelfAlignedPrompt(text="Q: {question}\nLike this:\n{examples}\nNow.", example="- {answer}")


def test_the_question_comes_first_and_the_examples_are_answers_only():
    assert PROMPT.render("1 + 1?", ["two", "three"]) == "Q: 1 + 1?\nLike this:\n- two\n\n- three\nNow."


def test_without_examples_the_prompt_is_the_bare_question():
    assert PROMPT.render("1 + 1?", []) == "1 + 1?"


@given(st.text(), st.lists(st.text(), min_size=1, max_size=3))
def test_data_are_never_read_as_templates(question, answers):
    rendered = PROMPT.render(question + "{examples}{answer}%s", [f"{{question}}{answer}" for answer in answers])
    expected = "\n\n".join(f"- {{question}}{answer}" for answer in answers)
    assert rendered == f"Q: {question}{{examples}}{{answer}}%s\nLike this:\n{expected}\nNow."


def test_the_hash_changes_with_the_wording_and_with_nothing_else():
    again = SelfAlignedPrompt(text=PROMPT.text, example=PROMPT.example, rotation="paper")
    other = SelfAlignedPrompt(text=PROMPT.text + "!", example=PROMPT.example)
    assert PROMPT.hash() == again.hash() != other.hash()
    assert PROMPT.hash() != PROMPT.hash(examples_first=True)


def test_with_the_examples_first_all_prompts_begin_alike_and_end_with_their_question():
    prompt = SelfAlignedPrompt(PROMPT.text, PROMPT.example, examples_first="Like this:\n{examples}\nQ: {question}")
    one, other = (prompt.render(question, ["two"], examples_first=True) for question in ("1 + 1?", "2 + 0?"))
    assert one == "Like this:\n- two\nQ: 1 + 1?"
    assert other == "Like this:\n- two\nQ: 2 + 0?"
    assert prompt.render("1 + 1?", ["two"]) == PROMPT.render("1 + 1?", ["two"])


def test_a_wording_for_examples_first_has_them_first():
    with pytest.raises(ValueError, match="before"):
        SelfAlignedPrompt(PROMPT.text, PROMPT.example, examples_first="{question} {examples}")


@pytest.mark.parametrize("text", ["{question} only", "{question} {examples} {examples}"])
def test_a_wording_must_name_question_and_examples_once(text):
    with pytest.raises(ValueError, match="examples"):
        SelfAlignedPrompt(text=text, example="{answer}")


def test_no_example_is_no_self_aligned_context():
    with pytest.raises(ValueError, match="perplexity"):
        SelfAligned(0)


def test_skip_own_takes_the_next_entries_and_leaves_the_questions_own_answer_out():
    pool = ["q0", "q2", "q3", "q5"]
    assert rotate(0, "q0", pool, 2, "skip_own") == [1, 2]
    assert rotate(1, "q1", pool, 2, "skip_own") == [2, 3]
    assert rotate(2, "q2", pool, 3, "skip_own") == [3, 0, 2]  # wraps around and skips entry 1, its own


@given(st.integers(0, 300), st.lists(st.integers(0, 50), unique=True, max_size=20), st.integers(1, 8))
def test_skip_own_never_shows_a_question_its_own_answer_nor_an_entry_twice(position, ids, n):
    pool = [f"q{one}" for one in sorted(ids)]
    chosen = rotate(position, "q7", pool, n, "skip_own")
    assert len(chosen) == len(set(chosen)) == min(n, len(pool) - ("q7" in pool))
    assert "q7" not in [pool[index] for index in chosen]


def test_the_papers_rotation_is_modulo_the_pool_without_its_last_entry():
    pool = ["q0", "q2", "q3", "q5"]  # N = 4, M = 3: question k sees (k + 1 + j) mod 3
    assert [rotate(k, f"q{k}", pool, 2, "paper") for k in range(4)] == [[1, 2], [2, 0], [0, 1], [1, 2]]
    assert rotate(0, "q0", ["q1"], 2, "paper") == []  # M = 0: nothing is left
    assert rotate(5, "q5", ["q1", "q2"], 2, "paper") == [0]  # n is capped at M


def test_the_papers_frame_is_plain_text_with_or_without_a_system_block():
    asked = {"role": "user", "content": "Why?"}
    assert paper_frame([asked]) == "[INST] Why? [/INST]"
    assert paper_frame([asked], "Be kind.") == "[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nWhy? [/INST]"


def test_the_papers_frame_of_several_turns_has_one_system_block_and_a_system_turn_takes_its_place():
    said = [("system", "Be brief."), ("user", "Why?"), ("assistant", "So."), ("user", "How?")]
    turns = [{"role": role, "content": text} for role, text in said]
    block = "<<SYS>>\nBe brief.\n<</SYS>>\n\n"
    assert paper_frame(turns, "Be kind.") == f"[INST] {block}Why? [/INST] So. [INST] How? [/INST]"
