"""Where the reasoning steps of a response start, in characters and in tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sppl.data.reasoning_steps import response_steps
from sppl.data.tokens import response_ids
from sppl.lab.source import LabQuestions, LabTeacher
from sppl.models.target import TargetModel
from sppl.prompts import Template, step_starts
from sppl.schemas import UserError
from sppl.strategies.recipe import Recipe


def cut(text: str) -> list[str]:
    starts = step_starts(text)
    return [text[start:stop] for start, stop in zip(starts, [*starts[1:], len(text)], strict=True)]


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("One. Two! Three? Four", ["One. ", "Two! ", "Three? ", "Four"]),
        ("a\nb\n\n  c\n", ["a\n", "b\n\n  ", "c\n"]),
        ("Step 1. 15 - 8 = 7\nStep 2. 7 + 5 = 12", ["Step 1. 15 - 8 = 7\n", "Step 2. 7 + 5 = 12"]),
        ("15 - 8 = 7. Then 7 + 5 = 12.", ["15 - 8 = 7. ", "Then 7 + 5 = 12."]),
        ("It costs 3.50, e.g. less. So", ["It costs 3.50, e.g. less. ", "So"]),
        ('He said "no." She left.', ['He said "no." ', "She left."]),
        ("一。二", ["一。", "二"]),
        ("\n\n#### 7", ["\n\n#### 7"]),
        ("no step at all", ["no step at all"]),
        ("", [""]),
    ],
)
def test_a_step_is_a_line_or_a_sentence(text, steps):
    assert cut(text) == steps


@given(st.text(alphabet="aB1 .!?\n。\"'", max_size=40))
def test_steps_are_the_text_cut_in_pieces_none_of_them_empty(text):
    pieces = cut(text)
    assert "".join(pieces) == text
    assert all(pieces) or text == ""


@pytest.fixture(scope="module")
def tokenizer():
    return TargetModel("lab", "sppl/lab/checkpoint").tokenizer()


@pytest.mark.parametrize("template", [Template(), Template("paper")], ids=["chat", "paper"])
def test_the_tokens_of_a_step_are_its_text(tokenizer, template):
    questions = LabQuestions().questions("train", 4)
    for strategy in LabTeacher.strategies:
        for text in LabTeacher().respond(Recipe(strategy, ""), questions):
            ids = response_ids(tokenizer, text, template, end=True)
            steps = response_steps(tokenizer, text, template, end=True)
            assert len(steps) == len(ids)
            assert steps[-1] == steps[-2]  # the end goes with the last step
            for number, piece in enumerate(cut(text)):
                own = [t for t, s in zip(ids[:-1], steps, strict=False) if s == number]
                assert tokenizer.decode(own).strip() == piece.strip()


def test_a_tokenizer_that_does_not_tell_places_is_refused(tokenizer, monkeypatch):
    monkeypatch.setattr(type(tokenizer), "is_fast", False)
    with pytest.raises(UserError, match="leave the metrics that look at steps out"):
        response_steps(tokenizer, "A. B.", Template(), end=False)
