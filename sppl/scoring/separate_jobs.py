"""Refuses separate jobs for strategies that have to be scored together, as one's prompts depend on the others."""

import re
from collections.abc import Iterable, Sequence

from sppl.commands import as_list
from sppl.schemas import UserError
from sppl.scoring.scoring_settings import Scoring

SWEPT = re.compile(r"strategy=([\w.]+(?:,[\w.]+)+)")
"""Matches a typed sweep over strategies."""


def refuse_separate_jobs(strategies: Iterable[str], scorer: Scoring, typed: Sequence[str]) -> None:
    """Refuses to cut prompts alike for all strategies where each strategy is a job of its own.

    Raises:
        UserError: this job has one strategy of a sweep; the message is the command that has all of them.
    """
    names = list(strategies)
    if scorer.overlong == "truncate_left" and len(names) < 2 and any(map(SWEPT.match, typed)):
        raise UserError(
            "scorer.overlong=truncate_left cuts the prompts of a question alike for all strategies, so it needs all of "
            f"them in one job; this job has only {', '.join(names)}. Give them as a list: {as_list(typed)}"
        )
