"""What cannot be recorded is run as it is, with a word; running out of memory is the caller's to deal with."""

from contextlib import contextmanager

import pytest
import torch

from sppl.hardware.recording import record


@pytest.fixture
def capture(monkeypatch):
    """Puts an error in the place of CUDA's recording, which is not here."""

    def raising(error: Exception) -> None:
        @contextmanager
        def graph(*_, **__):
            yield
            raise error

        monkeypatch.setattr(torch.cuda, "CUDAGraph", object)
        monkeypatch.setattr(torch.cuda, "graph", graph)

    return raising


def test_on_a_cpu_the_step_is_the_work_itself():
    done = []
    step, pool = record(lambda: done.append(1), torch.device("cpu"))
    step()
    assert (done, pool) == ([1, 1], None)


def test_a_step_that_cannot_be_recorded_is_the_work_itself_with_a_word(capture, caplog):
    capture(RuntimeError("operation not permitted\nwhen stream is capturing"))
    done = []
    step, pool = record(lambda: done.append(1), torch.device("cuda"), pool="earlier", warm=True)
    done.clear()
    step()
    assert (done, pool) == ([1], "earlier")
    assert "started one by one, which is slower: operation not permitted when stream is capturing" in caplog.text


def test_a_lack_of_memory_is_no_reason_to_go_on_without(capture):
    capture(torch.OutOfMemoryError("CUDA out of memory"))
    with pytest.raises(torch.OutOfMemoryError):
        record(lambda: None, torch.device("cuda"), warm=True)
