"""Scoring requests: one response after one prefix, as token ids."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ScoringRequest:
    """A response to score after a prefix.

    The first response token is predicted from the last prefix token; after an empty prefix nothing predicts it, so it
    gets no statistics.
    """

    prefix: tuple[int, ...]
    response: tuple[int, ...]
    index: int = 0
    """The caller's own number for the request, which results carry."""

    def __post_init__(self) -> None:
        if not self.response:
            raise ValueError(f"request {self.index}: the response has no token; leave empty responses out")

    @property
    def n_scored(self) -> int:
        """How many response tokens get statistics."""
        return len(self.response) - (0 if self.prefix else 1)

    @property
    def n_fed(self) -> int:
        """How many response tokens the model has to read: all but the last, which predicts nothing."""
        return len(self.response) - 1
