"""`compare=[a,b]` prints the differences between two reports, and runs nothing."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path


def compare_argument(given: Sequence[str]) -> str | None:
    """Returns the value of `compare=...`; None where it was not typed."""
    return next((one.partition("=")[2] for one in given if one.startswith("compare=")), None)


def print_differences(asked: str, given: Sequence[str]) -> int:
    """Prints the differences between two reports; returns the exit status.

    Args:
        asked: the names of two reports, `[first,second]`.
        given: all arguments; some say where the reports are.
    """
    from sppl.cli.app import compose_plain
    from sppl.cli.errors import explain_error
    from sppl.report.report_differences import compare
    from sppl.schemas import UserError

    try:
        names = re.fullmatch(r"\[?\s*([^\s,\[\]]+)\s*,\s*([^\s,\[\]]+)\s*\]?", asked)
        if not names:
            raise UserError(f"compare={asked}: give the names of two reports: 'compare=[first,second]'")
        places = [one for one in given if one.partition("=")[0] in ("reports", "paths", "hydra.searchpath")]
        lines = compare(Path(str(compose_plain(places)["reports"])), names[1], names[2])
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    except UserError as error:
        sys.stderr.write(f"{explain_error(error)}\n")
        return 1
    return 0
