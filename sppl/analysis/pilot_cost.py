"""Estimates the cost of pilots before they begin: tokens, and seconds at the pace of scoring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sppl.analysis.policy import Policy

TRAINED = 3
"""Forward passes that one token of training costs: the backward pass takes twice as long as the forward one."""


@dataclass(frozen=True)
class PilotCost:
    """An estimate of the cost of all pilots.

    Args:
        trained: tokens of question and response that are read in training, all epochs and seeds together.
        answers: validation questions that are answered, by all pilots and the untrained target.
        written: tokens of these answers, if they are as long as the responses.
        seconds: of both; None where the pace is not known.
    """

    trained: int
    answers: int
    written: int
    seconds: float | None

    def __str__(self) -> str:
        took = "the seconds are not known" if self.seconds is None else f"about {self.seconds:,.0f} s"
        return (
            f"about {self.trained:,} tokens trained on and {self.answers:,} answers of about "
            f"{self.written // max(1, self.answers):,} tokens; {took} by the pace of scoring and predicting"
        )


def estimate(
    policy: Policy,
    lengths: Mapping[str, Sequence[tuple[int, int]]],
    n_validation: int,
    *,
    scored: Mapping[str, Any],
    predicted: Mapping[str, Any] | None,
) -> PilotCost:
    """Estimates the cost of the pilots of these strategies.

    Args:
        policy: how many responses, epochs and seeds.
        lengths: strategy -> tokens of question and of response, of every response that was scored.
        n_validation: questions each pilot answers.
        scored: what the leading metric took per response: `passes` over question and response, and `seconds`.
        predicted: `seconds` and `rows` of the target's own answers; None where it gave none.
    """
    mean = [sum(map(sum, one)) / len(one) for one in lengths.values()]
    own = [sum(response for _, response in one) / len(one) for one in lengths.values()]
    examples = policy.n_pilot * policy.epochs * len(policy.seeds)
    answers = (policy.trainings + 1) * n_validation
    written = answers * sum(own) / len(own)
    seconds = None
    if scored.get("passes") and scored.get("seconds") is not None:
        a_pass = scored["seconds"] / scored["passes"]
        answer = predicted["seconds"] / predicted["rows"] if predicted else a_pass * sum(own) / len(own)
        seconds = TRAINED * a_pass * examples * len(lengths) + answer * answers
    return PilotCost(round(examples * sum(mean)), answers, round(written), seconds)
