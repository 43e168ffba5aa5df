"""A key goes to the address that was given, to no other, and comes back into nothing that is written."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import SimpleNamespace

import pytest

from sppl.generation.serving import models_of
from sppl.schemas import UserError
from sppl.scoring.requests import ScoringRequest
from sppl.scoring.server_requests import request_values
from sppl.scoring.server_settings import ScoringServer
from sppl.teachers.api import AnthropicTeacher, OpenAITeacher
from tests.servers.running import faulty, free_ports
from tests.unit.teachers.test_teachers import QUESTIONS, RECIPE, source

KINDS = pytest.mark.parametrize("kind", [OpenAITeacher, AnthropicTeacher])
KEY = "an-own-key-4711-of-nobody"


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("SPPL_TEST_KEY", KEY)


def nowhere(tmp_path, *texts: str) -> bool:
    """Whether no four-character piece that only the key has was written or said."""
    written = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    return not any(KEY[at : at + 14] in text for text in [*written, *texts] for at in range(len(KEY) - 13))


@KINDS
def test_an_answer_that_repeats_the_key_is_kept_without_it_and_said(kind, tmp_path, caplog):
    with faulty(tmp_path / "log", "echo_200") as url:
        found = source(url, tmp_path, kind, api_key_env="SPPL_TEST_KEY").respond(RECIPE, QUESTIONS[:1])
    assert found[0].endswith("[key]\nFinal Answer: 1")
    assert "an answer holds what looks like a key" in caplog.text
    assert nowhere(tmp_path, caplog.text)


@KINDS
def test_a_key_that_a_long_error_repeats_is_not_cut_but_hidden(kind, tmp_path, caplog):
    with faulty(tmp_path / "log", "echo_late*") as url, pytest.raises(UserError, match="400: xxx") as told:
        source(url, tmp_path, kind, api_key_env="SPPL_TEST_KEY").respond(RECIPE, QUESTIONS[:1])
    assert nowhere(tmp_path, caplog.text, str(told.value))


@KINDS
def test_a_redirection_to_another_server_is_not_followed(kind, tmp_path):
    (port,) = free_ports(1)
    with (
        faulty(tmp_path / "other", port=port),
        faulty(tmp_path / "log", f"away_{port}*") as url,
        pytest.raises(UserError, match=r"sends us to another address.*teacher\.t\.base_url=URL"),
    ):
        source(url, tmp_path, kind, api_key_env="SPPL_TEST_KEY").respond(RECIPE, QUESTIONS)
    assert "with a key" in (tmp_path / "log").read_text()
    assert not (tmp_path / "other").exists()  # nothing was asked there


@pytest.fixture
def away():
    """Gives the address of a server that sends everything elsewhere, and what it is asked, there included."""
    (port,), asked = free_ports(1), []

    class Away(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["authorization"]))
            self.send_response(302)
            self.send_header("location", f"http://localhost:{port}/elsewhere?key={KEY}")
            self.end_headers()

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", port), Away)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{port}", asked
    server.shutdown()
    server.server_close()


def test_nor_is_it_where_a_server_is_asked_for_its_models(away):
    url, asked = away
    assert models_of(SimpleNamespace(base_url=url, load_adapters=False, timeout=2.0, key=KEY)) == ""
    assert asked == [("/models", f"Bearer {KEY}")]


@pytest.mark.parametrize(("dialect", "path"), [("vllm", "/v1/completions"), ("sglang", "/generate")])
def test_nor_is_it_where_a_server_scores(dialect, path, away):
    url, asked = away
    server = ScoringServer(dialect=dialect, base_url=f"{url}/v1", model="m", api_key_env="SPPL_TEST_KEY")
    with pytest.raises(UserError, match=r"302 it sends us to http://localhost:\d+/elsewhere.*give it") as told:
        list(request_values(server, [ScoringRequest((1,), (2,))]))
    assert asked == [(path, f"Bearer {KEY}")]
    assert KEY not in str(told.value)
