"""The command: what is refused at once, help, Hydra, the summary, the exit status.

Nothing is imported before the arguments were looked at, so `--help` and refusals answer at once.
"""

import logging
import sys

from sppl.cli.checking import print_check
from sppl.cli.choices import check_typed_lists
from sppl.cli.command_line import WORD, in_own_words
from sppl.cli.composing import check_flags, check_words, flags_first, told_twice
from sppl.cli.own_model import check_path, chosen_for_path, told
from sppl.cli.spellings import moved
from sppl.cli.surroundings import unfit, with_streams
from sppl.keys import check_arguments, without_keys

log = logging.getLogger(__name__)
VERBOSE = "verbose=true"
"""What `-v` stands for."""


def main() -> int:
    """Runs what the arguments say; returns the exit status."""
    given = flags_first(sys.argv[1:])
    sys.argv[1:] = given
    with_streams()
    refused = unfit(given) or check_arguments(given) or moved(given) or check_typed_lists(given)
    if refused:  # before Hydra writes them down
        sys.exit(in_own_words(refused))
    if "--help" in given or "-h" in given:
        from sppl.cli.helptext import help_text

        sys.stdout.write(in_own_words(help_text(given)))
        return 0
    sys.argv[1:] = given = [VERBOSE if word in ("-v", "--verbose") else word for word in given]
    settings = [word for word in given if word != WORD]
    if refused := check_flags(settings) or check_words(settings) or check_path(settings):
        sys.exit(in_own_words(refused))
    sys.stderr.write(told_twice(settings))
    if chosen := chosen_for_path(given):
        sys.argv += chosen
        sys.stderr.write(told(given, chosen))
    if WORD in given:
        return print_check(given, chosen)
    from sppl.cli.comparing import compared, print_differences
    from sppl.cli.explaining import explained, print_chain

    if (asked := explained(given)) is not None:
        return print_chain(asked, given)
    if (asked := compared(given)) is not None:
        return print_differences(asked, given)
    return _run()


def _run() -> int:
    from sppl.cli.app import Started, compose_and_run
    from sppl.cli.hiding import hiding_stderr
    from sppl.cli.interrupts import Stopped, stoppable

    failed = False
    logging.raiseExceptions = False  # a full disk gets a sentence, not a traceback per log line
    with hiding_stderr(), stoppable():
        try:
            compose_and_run()
        except SystemExit as stop:  # Hydra's way to say that a job failed or the configuration is wrong
            if isinstance(stop, Stopped) or isinstance(stop.code, str):  # a signal; a refusal before all else
                raise
            failed = bool(stop.code)
        except Exception as error:
            from sppl.schemas import UserError  # loads pandas, which --cfg does without

            if isinstance(error, UserError):
                sys.exit(without_keys(in_own_words(str(error))))
            raise
        if Started.config is None:
            return int(failed)
        from sppl.cli.errors import report_errors
        from sppl.cli.overview import summarise

        with report_errors(log.debug):
            return int(not summarise(Started.config, Started.folder, Started.first) or failed)
        return 1
