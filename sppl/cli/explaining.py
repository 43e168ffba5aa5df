"""`explain=...` prints where a number or an artifact comes from, and runs nothing."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sppl.cli.command_line import command_line
from sppl.packaged import conf


def explain_argument(given: Sequence[str]) -> str | None:
    """Returns the value of `explain=...`; None where it was not typed."""
    return next((one.partition("=")[2] for one in given if one.startswith("explain=")), None)


def print_chain(asked: str, given: Sequence[str]) -> int:
    """Prints the chain of artifacts behind a number or an artifact; returns the exit status.

    Args:
        asked: see `sppl.report.chain.find_artifacts`.
        given: all arguments; some say which store and report are meant.
    """
    from omegaconf.errors import OmegaConfBaseException

    from sppl.artifacts.store import Store
    from sppl.cli.errors import explain_error
    from sppl.report.chain import explain, find_artifacts
    from sppl.report.places import report_folder
    from sppl.schemas import UserError

    overrides = [one for one in given if "=" in one and not one.startswith("explain=")]
    try:
        cfg = compose_settings(overrides)
        store = Store(cfg.store)
        store.check_format()
        folder = report_folder(Path(cfg.reports, cfg.name), [cfg.benchmark.name], cfg.data_dir, overrides)
        artifacts = find_artifacts(store, asked, folder, command_line())
        with suppress(BrokenPipeError):  # `... | head` has seen enough
            sys.stdout.write("".join(f"{line}\n" for line in explain(store, artifacts)))
            sys.stdout.flush()
    except (UserError, OmegaConfBaseException) as error:
        sys.stderr.write(f"{explain_error(error)}\n")
        return 1
    return 0


def compose_settings(words: Sequence[str]) -> Any:
    """Returns the configuration that these settings make; nothing runs.

    Raises:
        OmegaConfBaseException, HydraException: they make none.
    """
    from hydra import compose, initialize_config_dir

    import sppl.cli.app  # noqa: F401 (it registers the resolvers of our configuration)

    with initialize_config_dir(str(conf()), version_base="1.3"):
        return compose("config", overrides=[*words])
