"""How long a server wants to be left alone."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sppl.teachers.waits import read_pause, read_retry_after

NAME = "x-ratelimit-{}-requests"


def date(seconds):
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


def iso(seconds):
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "20"}, 20.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Wed, 99 Foo 2026"}, None),
    ],
)
def test_retry_after_is_seconds_or_milliseconds(headers, seconds):
    assert read_retry_after(headers) == seconds


@pytest.mark.parametrize("form", [date, iso])
def test_retry_after_is_a_date_and_one_that_is_over_is_now(form):
    wait = read_retry_after({"retry-after": form(90)})
    assert wait is not None
    assert 60 < wait <= 90
    assert read_retry_after({"retry-after": form(-90)}) == 0.0


@pytest.mark.parametrize(
    ("remaining", "reset", "seconds"),
    [
        ("5", "6m0s", 0.0),
        ("0", "6m0s", 360.0),
        ("0", "50ms", 0.05),
        ("0", "1d2h", 93600.0),
        ("0", "12", 12.0),
        ("0", "", 1.0),
        ("0", "later", 1.0),
        ("", "12", 0.0),
    ],
)
def test_where_no_request_is_left_the_reset_is_waited_for(remaining, reset, seconds):
    headers = {NAME.format("remaining"): remaining, NAME.format("reset"): reset}
    assert read_pause(headers, NAME) == seconds


def test_anthropics_reset_is_a_date():
    name = "anthropic-ratelimit-requests-{}"
    assert 60 < read_pause({name.format("remaining"): "0", name.format("reset"): iso(90)}, name) <= 90


@given(st.text(), st.text())
def test_any_header_is_a_number_of_seconds_or_none(one, other):
    wait = read_retry_after({"retry-after": one, "retry-after-ms": other})
    assert wait is None or wait >= 0
    assert read_pause({NAME.format("remaining"): "0", NAME.format("reset"): one}, NAME) >= 0
