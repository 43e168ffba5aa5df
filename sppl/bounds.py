"""Numbers that have a least or a largest value, said where they are taken: a parameter is annotated with one of these.

What is typed for it is checked against its annotation before anything runs (`sppl.cli.kinds`).
"""

import math
from dataclasses import dataclass
from typing import Annotated, Literal


@dataclass(frozen=True)
class Bounds:
    """Where a number may lie.

    Args:
        words: that, as a user reads it behind "is".
        least: the smallest value.
        most: the largest value.
        open: whether the two are themselves outside.
    """

    words: str
    least: float = -math.inf
    most: float = math.inf
    open: bool = False

    def hold(self, value: float) -> bool:
        """Whether a value lies within; what is no number does not."""
        return self.least < value < self.most if self.open else self.least <= value <= self.most


Count = Annotated[int, Bounds("a whole number above 0", least=1)]
Natural = Annotated[int, Bounds("a whole number, 0 or above", least=0)]
Positive = Annotated[float, Bounds("a number above 0", least=0, open=True)]
NotNegative = Annotated[float, Bounds("a number, 0 or above", least=0)]
Fraction = Annotated[float, Bounds("a fraction, from 0 to below 1", least=0, most=math.nextafter(1, 0))]
NumberOfQuestions = Count | Literal["all"]
