"""What a crash leaves: one sentence on the terminal, the traceback in the log file, `crashed` in the record."""

import json
import logging
import logging.config

import pytest
import yaml

from sppl.cli.errors import report_errors
from tests.conftest import QUICK, ROOT


@pytest.fixture
def terminal(tmp_path, capfd):
    """Logging as a job has it: returns what sets it up; the terminal's part is standard error."""
    root, before = logging.getLogger(), list(logging.getLogger().handlers)

    def call(verbose: bool):
        settings = yaml.safe_load((ROOT / "conf/hydra/job_logging/sppl.yaml").read_text())
        settings["handlers"]["file"]["filename"] = str(tmp_path / "run.log")
        settings["filters"]["terse"]["verbose"] = settings["formatters"]["terminal"]["verbose"] = verbose
        logging.config.dictConfig(settings)
        return capfd

    yield call
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.handlers[:] = before


def broken():
    raise ZeroDivisionError("a mistake of ours")


@pytest.mark.parametrize(("verbose", "traced"), [(False, False), (True, True)])
def test_a_crash_is_one_sentence_that_names_the_file_with_its_traceback(terminal, tmp_path, verbose, traced):
    shown, told = terminal(verbose), list[str]()
    with report_errors(told.append):
        broken()
    said = shown.readouterr().err
    assert "crashed (ZeroDivisionError: a mistake of ours)" in said
    assert str(tmp_path / "run.log") in said
    assert ("Traceback" in said) == traced
    assert len(said.splitlines()) == 1 or traced
    assert told[0].startswith("crashed (")
    log = (tmp_path / "run.log").read_text()
    assert "Traceback (most recent call last)" in log
    assert "in broken" in log


@pytest.mark.parametrize("verbose", [False, True])
def test_a_line_per_artifact_is_for_the_log_file_and_warnings_are_for_the_terminal(terminal, tmp_path, verbose):
    shown, store = terminal(verbose), logging.getLogger("sppl.artifacts.store")
    store.info("responses/lab/x: 3 rows")
    store.warning("another version")
    logging.getLogger("sppl.stages.score").info("10 passes")
    said = shown.readouterr().err
    assert ("3 rows" in said) == verbose
    assert "another version" in said
    assert "10 passes" in said
    assert "3 rows" in (tmp_path / "run.log").read_text()


@pytest.mark.filterwarnings("default")
def test_a_run_that_breaks_says_so_once_and_its_record_too(run_py, tmp_path, monkeypatch):
    monkeypatch.setattr("sppl.stages.predict.predict", lambda **_: broken())
    done = run_py("stage=[predict]", *QUICK, "logger=[]")
    assert done.code == 1
    assert done.out.count("crashed (ZeroDivisionError: a mistake of ours)") == 1
    assert "interrupted" not in done.out
    assert "Traceback" not in done.out
    assert json.loads((tmp_path / "run0" / "job.json").read_text())["status"] == "crashed"
    assert "in broken" in (tmp_path / "run0" / "run.log").read_text()
