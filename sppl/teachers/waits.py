"""Reads how long to wait before the next request: `Retry-After`, and headers with the remaining requests."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
NUMBER = re.compile(r"\d+(\.\d+)?")


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds before another try: `retry-after-ms`, or `Retry-After` as seconds or as a date."""
    milliseconds, after = headers.get("retry-after-ms", "").strip(), headers.get("retry-after", "").strip()
    if NUMBER.fullmatch(milliseconds):
        return float(milliseconds) / 1000
    return float(after) if NUMBER.fullmatch(after) else _until(after)


def read_pause(headers: Mapping[str, str], name: str) -> float:
    """Returns the seconds until the server admits the next request, where none is left.

    Args:
        name: of the headers, `{}` in the place of `remaining` and `reset`; the latter is a duration such as `6m0s`,
            a number of seconds, or a date.
    """
    if headers.get(name.format("remaining"), "").strip() != "0":
        return 0.0
    reset = headers.get(name.format("reset"), "").strip()
    if NUMBER.fullmatch(reset):
        return float(reset)
    if until := _until(reset):
        return until
    return sum(float(n) * SECONDS[unit] for n, unit in DURATION.findall(reset)) or 1.0


def _until(date: str) -> float | None:
    """Seconds until a date in HTTP's or in ISO's form, 0 if it is over; None if it is none."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            then = read(date)
            left = (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp() - datetime.now(UTC).timestamp()
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return max(0.0, left) if math.isfinite(left) else None
    return None
