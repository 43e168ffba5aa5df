"""A teacher's settings and its key are looked at before anything is sent."""

import pytest

from sppl.schemas import Question, UserError
from sppl.strategies.recipe import Recipe
from sppl.teachers.api import AnthropicTeacher, OpenAITeacher
from sppl.teachers.teacher_responses import TeacherResponses

SECRET = "sk-ant-0123456789abcdefghij"


@pytest.mark.parametrize("kind", [OpenAITeacher, AnthropicTeacher])
@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("", "holds no key; export it first"),
        ("  \n", "holds no key; export it first"),
        (SECRET + "\n", "holds a line break, which no key has"),
        ("\r" + SECRET, "holds a line break, which no key has"),
        (SECRET + " ", "holds a blank, which no key has"),
        ("“" + SECRET + "”", r"holds the character U\+201C, which no key has"),
        (SECRET + "\x00"[:0] + "\x7f", r"holds the character U\+007F, which no key has"),
    ],
)
def test_a_key_that_cannot_be_sent_is_a_sentence_without_the_key(kind, key, said, tmp_path, monkeypatch):
    monkeypatch.setenv("SPPL_TEST_KEY", key)
    teacher = kind(name="t", model="m", api_key_env="SPPL_TEST_KEY", base_url="http://127.0.0.1:9")
    source = TeacherResponses({"t": teacher}, str(tmp_path))
    with pytest.raises(UserError, match=f"teacher.t: the environment variable SPPL_TEST_KEY {said}") as told:
        source.respond(Recipe("r", "", teacher="t", request="{question}", sees="question"), [Question("q", "?", "1")])
    assert SECRET not in str(told.value)
    assert not list(tmp_path.glob("*"))


def test_the_own_key_and_whatever_looks_like_one_are_hidden(monkeypatch):
    monkeypatch.setenv("SPPL_TEST_KEY", "my-very-own-key")
    teacher = OpenAITeacher(name="t", model="m", api_key_env="SPPL_TEST_KEY")
    assert (
        teacher.hide(f"no my-very-own-key, no {SECRET}, no hf_0123456789abcdefghij.") == "no [key], no [key], no [key]."
    )
    assert OpenAITeacher(name="t", model="m", api_key_env=None).hide("none") == "none"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"concurrency": 0}, r"concurrency=0 \(a whole number above 0"),
        ({"concurrency": 2.5}, r"concurrency=2.5 \(a whole number above 0"),
        ({"tries": 0}, r"tries=0 \(a whole number above 0"),
        ({"timeout": -1}, r"timeout=-1 \(a number, 0 or above"),
        ({"timeout": None}, r"timeout=None \(a number, 0 or above"),
        ({"input_price": -0.5}, r"input_price=-0.5 \(a number, 0 or above"),
        ({"output_price": "cheap"}, r"output_price='cheap' \(a number, 0 or above"),
        ({"output_price": float("nan")}, r"output_price=nan \(a number, 0 or above"),
        ({"max_tokens_ceiling": 0}, r"max_tokens_ceiling=0 \(a whole number above 0"),
        ({"base_url": "my.host/v1"}, "base_url='my.host/v1' is no address"),
        ({"base_url": "http://my.host:eight/v1"}, "is no address"),
        ({"finished": "stop"}, "finished='stop' is not a list of words"),
        ({"finished": []}, r"finished=\[\] is not a list of words"),
        ({"request": {"max_tokens": 9}}, r"request\.max_tokens is set by strategy\.NAME\.max_tokens"),
        ({"request": {"stream": True, "n": 2}}, r"request\.stream is set by us: .*; request\.n is set by us"),
        ({"tries": 0, "concurrency": 0}, "concurrency=0 .*; tries=0 "),
    ],
)
def test_settings_that_cannot_be_are_refused_all_at_once(settings, said):
    with pytest.raises(UserError, match=rf"^teacher\.t: .*{said}"):
        OpenAITeacher(**{"name": "t", "model": "m", "api_key_env": None, **settings})
