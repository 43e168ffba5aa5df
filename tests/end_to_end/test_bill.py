"""The command and its money: it stops at max_cost, in a sweep too, and the bill is in every ending, a signal's too."""

import re
import signal
import time

import pytest

from tests.servers.running import batching, faulty, free_ports

pytestmark = pytest.mark.filterwarnings("default")


COMMAND = ["stage=[generate]", "strategy=[gpt4]", "strategy.gpt4.tries=1", "benchmark.respond=teacher", "confirm=true"]
COMMAND += ["n_train=6", "n_score=1", "logger=[]"]


def teaching(port, **settings):
    """A command whose teacher gpt_4o is the fault server: an answer as long as it may be, 2000 tokens, is a dollar."""
    fixed = {"model": "m", "base_url": f"http://127.0.0.1:{port}/v1", "api_key_env": "null"}
    fixed |= {"input_price": 0, "output_price": 500}
    return [*COMMAND, *(f"teacher.gpt_4o.{name}={value}" for name, value in {**fixed, **settings}.items())]


def asked(log):
    return log.read_text().count("asked ") if log.exists() else 0


def test_the_command_stops_at_max_cost_with_a_sentence_and_goes_on_from_there(run_py, tmp_path):
    log, (port,) = tmp_path / "server.log", free_ports(1)
    command = teaching(port)
    with faulty(log, "full*", port=port):
        stopped = run_py(*command, "max_cost=4", store=tmp_path / "own")
        assert (stopped.code, asked(log)) == (1, 4)
        assert "max_cost=4 is reached: $4.0000 are spent" in stopped.out
        assert "Still missing: gpt4: 2 requests to gpt_4o" in stopped.out
        assert re.search(
            r"bill of this job: 4 requests to gpt_4o, 4 answered, .* 8,000 written, for \$4\.0000", stopped.out
        )
        assert "Traceback" not in stopped.out
        (enough,) = set(re.findall(r"the same command with max_cost=(\S+), which", stopped.out))
        done = run_py(*command, f"max_cost={enough}", store=tmp_path / "own")
        assert (done.code, asked(log)) == (0, 6), done.out
    assert "bill of this job: 2 requests to gpt_4o, 2 answered" in done.out


def test_a_sweep_spends_no_more_than_one_max_cost(run_py, tmp_path):
    log, (port,) = tmp_path / "server.log", free_ports(1)
    command = ["-m", *teaching(port), "n_train=2,6"]
    with faulty(log, "full*", port=port):
        stopped = run_py(*command, "max_cost=4", store=tmp_path / "own")
        assert (stopped.code, asked(log)) == (1, 4)
        assert "bill of this job: 2 requests to gpt_4o, 2 answered" in stopped.out
        assert "max_cost=4 is reached: $4.0000 are spent" in stopped.out
        done = run_py(*command, "max_cost=4", store=tmp_path / "own")
        assert (done.code, asked(log)) == (0, 6), done.out


def test_a_teacher_without_quota_costs_one_request_and_one_sentence(run_py, tmp_path):
    log, (port,) = tmp_path / "server.log", free_ports(1)
    with faulty(log, "quota*", port=port):
        done = run_py(*teaching(port), "max_cost=9", store=tmp_path / "own")
    assert (done.code, asked(log)) == (1, 1)
    assert "teacher gpt_4o refuses every request: 429: You exceeded your current quota" in done.out
    assert "bill of this job: 1 request to gpt_4o, 0 answered" in done.out
    assert "Traceback" not in done.out


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_with_the_bill_and_what_was_under_way_is_unknown(start, tmp_path, number, code):
    log, (port,) = tmp_path / "server.log", free_ports(1)
    with faulty(log, "hang>2", port=port):
        command = [*teaching(port, concurrency=3), "max_cost=9"]
        process = start(*command, store=tmp_path / "own")
        while asked(log) < 2 + 3:
            time.sleep(0.05)
            assert process.poll() is None, process.communicate()[0]
        process.send_signal(number)
        said, _ = process.communicate(timeout=10)
    assert process.returncode == code, said
    assert "Traceback" not in said
    bill = (
        "bill of this job: 5 requests to gpt_4o, 2 answered, at least 20 tokens read and 10 written, for at least "
        "$0.0050; what 3 of them took is unknown; tries that failed: 3 x stopped while it was under way"
    )
    assert bill in " ".join(said.split())
    (journal,) = (tmp_path / "own/journal/lab").glob("gpt4-*.jsonl")
    assert len(journal.read_bytes().splitlines()) == 2


def test_a_command_stopped_while_its_batch_is_under_way_goes_on_with_it_at_half_the_price(run_py, start, tmp_path):
    log, (port,) = tmp_path / "server.log", free_ports(1)
    command = teaching(port, mode="batch", poll=0.1)  # an answer of 5 tokens costs an eighth of a cent
    log.touch()
    with batching(log, delay=12, port=port):
        process = start(*command, "max_cost=4", store=tmp_path / "own")
        end = time.monotonic() + 120
        while "created" not in log.read_text() and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(2)  # the id is told after a tenth of the delay
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
        assert "with 6 requests is under way; the same command goes on with it" in out
        done = run_py(*command, "max_cost=4", store=tmp_path / "own")
    assert done.code == 0, done.out
    assert "bill of this job: 6 requests to gpt_4o, 6 answered (6 in batches at half the price)" in done.out
    assert log.read_text().count("paid ") == 6
