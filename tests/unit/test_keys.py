"""Keys in the forms of the providers: none is repeated by what refuses it, and none passes through what is written."""

import json
import logging
import traceback
from random import Random
from string import ascii_letters, digits, hexdigits

import pytest

from sppl.cli.errors import report_errors
from sppl.cli.hiding import HidingFormatter
from sppl.data.contents import read_contents
from sppl.keys import check_arguments, check_for_keys, holds_key, without_keys
from sppl.teachers.api import OpenAITeacher

HEX = hexdigits[:16]


def drawn(n: int, letters: str = ascii_letters + digits) -> str:
    """The part of a key that is drawn by chance; the first character is a digit, so that every key has one."""
    chance = Random(n)
    return "4" + "".join(chance.choice(letters) for _ in range(n - 1))


KEYS = {
    "OpenAI": f"sk-{drawn(48)}",
    "OpenAI, a project's": f"sk-proj-{drawn(20)}-{drawn(20)}_T3BlbkFJ{drawn(40)}",
    "OpenAI, a service's": f"sk-svcacct-{drawn(60)}",
    "Anthropic": f"sk-ant-api03-{drawn(80)}-{drawn(8)}AA",
    "OpenRouter": f"sk-or-v1-{drawn(64, HEX)}",
    "DeepSeek": f"sk-{drawn(32, HEX)}",
    "Hugging Face": f"hf_{drawn(34)}",
    "Hugging Face, an organisation's": f"api_org_{drawn(34)}",
    "Weights & Biases": f"wandb_v1_{drawn(60)}",
    "Google": f"AIza{drawn(35)}",
    "Google, signed in": f"ya29.{drawn(60)}",
    "Google, a service's": f"-----BEGIN PRIVATE KEY-----\n{drawn(64)}\n{drawn(64)}\n-----END PRIVATE KEY-----\n",
    "Amazon": f"AKIA{drawn(16, 'ABCDEFGHIJ234567').upper()}",
    "Amazon, for a while": f"ASIA{drawn(16, 'ABCDEFGHIJ234567').upper()}",
    "Groq": f"gsk_{drawn(52)}",
    "xAI": f"xai-{drawn(80)}",
    "Perplexity": f"pplx-{drawn(48)}",
    "Nvidia": f"nvapi-{drawn(30)}-{drawn(30)}",
    "Replicate": f"r8_{drawn(37)}",
    "Fireworks": f"fw_{drawn(24)}",
    "Together": f"tgp_v1_{drawn(43)}",
    "Cerebras": f"csk-{drawn(48)}",
    "Databricks": f"dapi{drawn(32, HEX)}",
    "LangSmith": f"lsv2_pt_{drawn(32, HEX)}_{drawn(10, HEX)}",
    "Neptune": f"eyJ{drawn(90)}==",
    "a JSON web token": f"eyJ{drawn(20)}.eyJ{drawn(40)}.{drawn(43)}",
    "GitHub": f"ghp_{drawn(36)}",
    "GitHub, fine-grained": f"github_pat_{drawn(22)}_{drawn(59)}",
    "GitLab": f"glpat-{drawn(20)}",
    "Slack": f"xoxb-{drawn(12, digits)}-{drawn(24)}",
}
PLACED = {
    "the user and password of an address": "https://{}@my.host/v1",
    "the address of a project": "http://{}@127.0.0.1/1",
    "a query": "https://my.host/v1?model=m&api_key={}",
    "a bearer's header": "Authorization: Bearer {}",
    "a header": '{{"x-api-key": "{}"}}',
    "the second of a pair": "aws_secret_access_key = {}",
}
BARE = drawn(40)
HASHES = ["4f" * 20, "4f" * 32, "sha256:" + "4f" * 32, "550e8400-e29b-41d4-a716-446655440000", "v4.51-rc1"]
WORDS = [
    "task-with-a-very-long-name-2024",
    "sk-learn-2024-classification",
    "https://my.host:8000/v1?model=m",
    "a@b.org",
]


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_key_in_a_providers_form_is_known_and_repeated_nowhere(key):
    line = key.splitlines()[0]
    told = [check_arguments([given]) for given in (f"name={key}", f"{line}=1", line, f"x=[a,{line}]", f"+a.{line}.b=1")]
    told += [check_for_keys(one) for one in ({"a": key}, {"a": {key: 1}}, {"a": ["b", {"c": f"x {key}"}]})]
    assert all("looks like a key" in one for one in told)
    hidden = [
        without_keys(f"{before}{key}{after}") for before, after in (("", ""), ("b'", "'"), ("(_", ")"), ("=", "&"))
    ]
    for text in [*told, *hidden]:
        assert key not in text
        assert not any(part in text for part in key.splitlines() if "KEY---" not in part)


@pytest.mark.parametrize("where", PLACED.values(), ids=PLACED)
def test_a_key_without_a_form_is_known_by_what_stands_before_it(where):
    text = where.format(BARE)
    assert "looks like a key" in check_arguments([f"teacher.t.base_url={text}"])
    assert "looks like a key" in check_for_keys({"a": text})
    assert without_keys(text) == where.format("[key]")


@pytest.mark.parametrize(
    "name",
    [
        *("api_key", "API-KEY", "x.apikey", "token", "hf_token", "password", "db_passwd", "client_secret"),
        *("credentials", "authorization", "aws_access_key_id", "secret_access_key", "subscription-key"),
        "hydra.job.env_set.WANDB_API_KEY",
    ],
)
def test_a_key_without_a_form_is_known_by_its_settings_name(name):
    for value in (BARE, "abc", "12345678"):
        assert "looks like a key" in check_arguments([f"+{name}={value}"])
        assert "looks like a key" in check_for_keys({name: value})
    assert "looks like a key" in check_for_keys({name: 12345678})


@pytest.mark.parametrize("text", [*HASHES, *WORDS])
def test_a_hash_and_a_word_are_no_keys(text):
    assert check_arguments([f"target_model.revision={text}", f"benchmark.questions.key={text[:9]}"]) == ""
    assert check_for_keys({"revision": text, "max_tokens": 12, "bos_token": "<s>", "api_key_env": "MY_KEY"}) == ""
    assert without_keys(f"at {text}.") == f"at {text}."


@pytest.mark.parametrize("key", ["4f" * 20, 'a"b\\c/d+e=4711', drawn(43)])
def test_what_a_variable_with_a_keys_name_says_is_a_key_everywhere_and_in_every_spelling(key, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", key)
    assert holds_key(f"x {key}")
    assert "looks like a key" in check_arguments([f"hydra.run.dir={key}"])
    spelled = [key, json.dumps(key), "".join(f"%{ord(one):02X}" if not one.isalnum() else one for one in key)]
    assert [without_keys(one) for one in spelled] == ["[key]", '"[key]"', "[key]"]


def test_a_file_of_data_with_a_key_is_refused_by_file_line_and_field(tmp_path):
    path, key = tmp_path / "gpt4.jsonl", KEYS["Anthropic"]
    rows = [{"question": "a", "response": "b"}, {"question": "a", "response": f"os.environ['K'] = '{key}'"}, {key: 1}]
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, {"question": "a", "turns": [{"text": key}]}]))
    assert [(one.line, one.field) for one in read_contents(path).problems] == [(2, "response"), (3, key), (4, "turns")]
    assert all("what looks like a key" in one.what for one in read_contents(path).problems)


def test_a_line_of_the_log_holds_no_key_nor_does_a_traceback_in_it():
    try:
        raise ValueError(f"denied: {KEYS['OpenAI']}")
    except ValueError as error:
        record = logging.LogRecord(
            "x", 40, "", 1, "said %s", (KEYS["GitHub"],), (ValueError, error, error.__traceback__)
        )
    line = HidingFormatter("%(message)s").format(record)
    assert line.startswith("said [key]\n")
    assert "Traceback" in line
    assert line.endswith("ValueError: denied: [key]")


@pytest.mark.parametrize("chained", [False, True])
def test_the_traceback_of_an_error_nobody_foresaw_is_kept_without_its_key(chained, caplog):
    def fail() -> None:
        try:
            raise KeyError(KEYS["xAI"])
        except KeyError as error:
            raise LookupError("it broke" if chained else KEYS["xAI"]) from (error if chained else None)

    said = list[str]()
    with report_errors(said.append):
        fail()
    assert said[0].startswith("crashed (LookupError")
    assert KEYS["xAI"] not in said[0]
    _, error, where = caplog.records[-1].exc_info
    shown = "".join(traceback.format_exception(error))
    assert "in fail" in shown  # the place is kept
    assert KEYS["xAI"] not in shown
    assert where is error.__traceback__


def test_a_teacher_made_in_python_takes_no_address_with_a_key_in_it():
    with pytest.raises(Exception, match="base_url: the value of this setting looks like a key") as told:
        OpenAITeacher(name="t", model="m", api_key_env=None, base_url=f"https://me:{BARE}@my.host/v1")
    assert BARE not in str(told.value)
