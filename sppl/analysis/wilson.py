"""Wilson's interval of a share, which stays within 0 and 1 and is never empty."""

from math import sqrt

Z = 1.959964
"""Standard errors either way that hold 95 % of a normal distribution."""


def wilson(share: float, n: float, z: float = Z) -> tuple[float, float]:
    """Returns the ends of Wilson's score interval of a share of `n` independent trials (95 % by default).

    0 of 21 has [0, 0.155]: no standard error of 0 is claimed where nothing was right.

    Args:
        share: in [0, 1].
        n: above 0; no whole number where trials count for less than one.

    Raises:
        ValueError: a share outside of [0, 1], or no trials.
    """
    if not (0 <= share <= 1 and n > 0):
        raise ValueError(f"a share in [0, 1] of more than 0 trials is needed, got {share} of {n}")
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return (0.0 if share == 0 else low), (1.0 if share == 1 else high)
