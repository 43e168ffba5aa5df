"""The command itself: immediate refusals, help, Hydra, the summary, the exit status.

Nothing is imported before the arguments were looked at, so `--help` and refusals answer at once.
"""

import logging
import sys

from sppl.cli.checking import print_check
from sppl.cli.choices import check_typed_lists
from sppl.cli.command_line import WORD, in_own_words
from sppl.cli.composing import check_flags, check_words, describe_repeated_settings, flags_first
from sppl.cli.own_model import check_path, choose_for_path, describe_chosen
from sppl.cli.spellings import check_spellings
from sppl.cli.surroundings import check_surroundings, open_missing_streams
from sppl.keys import check_arguments, without_keys

log = logging.getLogger(__name__)
VERBOSE = "verbose=true"
"""What `-v` stands for."""


def main() -> int:
    """Runs what the arguments say; returns the exit status."""
    given = flags_first(sys.argv[1:])
    sys.argv[1:] = given
    open_missing_streams()
    refused = check_surroundings(given) or check_arguments(given) or check_spellings(given) or check_typed_lists(given)
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
    sys.stderr.write(describe_repeated_settings(settings))
    if chosen := choose_for_path(given):
        sys.argv += chosen
        sys.stderr.write(describe_chosen(given, chosen))
    if WORD in given:
        return print_check(given, chosen)
    from sppl.cli.comparing import compare_argument, print_differences
    from sppl.cli.explaining import explain_argument, print_chain

    if (asked := explain_argument(given)) is not None:
        return print_chain(asked, given)
    if (asked := compare_argument(given)) is not None:
        return print_differences(asked, given)
    return _run()


def _run() -> int:
    from sppl.cli.app import StartedRun, compose_and_run
    from sppl.cli.hiding import hide_keys_in_stderr
    from sppl.cli.interrupts import Stopped, stop_on_signals

    failed = False
    logging.raiseExceptions = False  # a full disk gets a sentence, not a traceback per log line
    with hide_keys_in_stderr(), stop_on_signals():
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
        if StartedRun.config is None:
            return int(failed)
        from sppl.cli.errors import report_errors
        from sppl.cli.overview import summarise

        with report_errors(log.debug):
            return int(not summarise(StartedRun.config, StartedRun.folder, StartedRun.first) or failed)
        return 1
