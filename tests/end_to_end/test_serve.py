"""A real server of the lab's model on loopback, driven by the real client as a teacher."""

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

from sppl.generation.local_teacher import LocalTeacher
from sppl.lab.source import LabQuestions
from sppl.models.target import TargetModel
from sppl.schemas import UserError
from sppl.scoring.requests import ScoringRequest
from sppl.scoring.server_requests import request_values
from sppl.scoring.server_settings import ScoringServer
from sppl.strategies.recipe import Recipe
from sppl.teachers.api import OpenAITeacher
from sppl.teachers.teacher_responses import TeacherResponses
from tests.servers.running import ROOT, free_ports, serving

RECIPE = Recipe("direct", "asked directly", teacher="t", request="{question}", temperature=0.0, max_tokens=60)
CHECKPOINT = "sppl/lab/checkpoint"
pytestmark = pytest.mark.filterwarnings("default")
command = shutil.which("transformers", path=str(Path(sys.executable).parent))


def serve(port: int) -> list[str]:
    return [str(command), "serve", CHECKPOINT, "--port", str(port), "--host", "127.0.0.1", "--device", "cpu"]


served_here = pytest.mark.skipif(
    command is None or importlib.util.find_spec("fastapi") is None, reason="needs the extra `serve`"
)


@served_here
def test_a_served_model_writes_the_responses_the_same_model_writes_here(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    (port,) = free_ports(1)
    questions = LabQuestions().questions("train", 4)
    served = OpenAITeacher(
        name="t", model=CHECKPOINT, api_key_env=None, base_url=f"http://127.0.0.1:{port}/v1", concurrency=1, tries=2
    )
    with serving(serve(port), port):
        source = TeacherResponses({"t": served}, str(tmp_path / "served"), sees="question")
        answers = source.respond(RECIPE, questions)
    here = LocalTeacher(name="t", target=TargetModel("lab", CHECKPOINT))
    local = TeacherResponses({"t": here}, str(tmp_path / "local"), sees="question").respond(RECIPE, questions)
    assert [text.strip() for text in answers] == [text.strip() for text in local]
    assert source.usage(RECIPE, questions)["output_tokens"] > 0


@served_here
@pytest.mark.parametrize("dialect", ["vllm", "sglang"])
def test_a_server_that_does_not_tell_log_probabilities_of_prompts_cannot_score_and_is_said_so(dialect, monkeypatch):
    monkeypatch.chdir(ROOT)
    (port,) = free_ports(1)
    server = ScoringServer(
        dialect=dialect, base_url=f"http://127.0.0.1:{port}/v1", model=CHECKPOINT, tries=1, backoff=0.0
    )
    with serving(serve(port), port), pytest.raises(UserError) as caught:
        list(request_values(server, [ScoringRequest((5, 6, 7), (8, 9))]))
    assert "`transformers serve` cannot; scorer=default scores in this process" in str(caught.value)
