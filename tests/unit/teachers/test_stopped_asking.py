"""A signal ends the asking between two steps: every request under way says so, and no error is left with a task."""

import asyncio
import gc
import signal
from contextlib import asynccontextmanager

import pytest

from sppl.teachers.api import OpenAITeacher
from sppl.teachers.asking import TeacherRequest, ask_all
from sppl.teachers.budget import Budget
from sppl.teachers.teacher import Decoding, Reply

DECODING = Decoding(0.0, 5, 0)
REQUESTS = [TeacherRequest(f"q{n}", [{"role": "user", "content": "Why?"}], DECODING, [5]) for n in range(4)]


class Struck(OpenAITeacher):
    """Answers the first request; a signal arrives while the last one is sent, the others being under way."""

    @asynccontextmanager
    async def session(self):
        asked = []

        class Session:
            async def ask(self, messages, decoding):
                asked.append(messages)
                if len(asked) == 1:
                    return Reply("So.", (1, 1))
                if len(asked) == len(REQUESTS):
                    signal.raise_signal(signal.SIGTERM)
                return await asyncio.sleep(60)

        yield Session()


def stop(number, _):
    raise SystemExit(128 + number)


@pytest.fixture
def handler():
    before = signal.signal(signal.SIGTERM, stop)
    yield stop
    signal.signal(signal.SIGTERM, before)


def test_a_signal_while_a_request_is_sent_ends_all_that_are_under_way_and_is_raised_once(handler, caplog):
    teacher = Struck(name="t", model="m", base_url="http://127.0.0.1/v1", api_key_env=None, concurrency=3)
    arrived, missed = [], []
    with pytest.raises(SystemExit) as stopped:
        ask_all(
            teacher, REQUESTS, lambda one, *_: arrived.append(one.key), lambda one, *_: missed.append(one.key), Budget()
        )
    gc.collect()  # where a task is left with an error nobody took, asyncio logs it now
    assert stopped.value.code == 128 + signal.SIGTERM
    assert (arrived, sorted(missed)) == (["q0"], ["q1", "q2", "q3"])
    assert caplog.text == ""
    assert signal.getsignal(signal.SIGTERM) is handler
