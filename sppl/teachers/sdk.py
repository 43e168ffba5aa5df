"""Calls the providers' SDKs: returns plain data, and turns errors into exceptions that say what a request may do."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any, NoReturn

from sppl.schemas import UserError
from sppl.teachers.endpoint import Endpoint
from sppl.teachers.faults import classify_error, read_error
from sppl.teachers.teacher import NoAnswer, Rejected, Transient
from sppl.teachers.waits import read_retry_after

log = logging.getLogger(__name__)

LONGEST, LONGEST_PACKED, LONGEST_BATCH = 1 << 25, 1 << 16, 1 << 31
"""Bytes of a body, of a compressed one, and of the results of a batch."""

UNSENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol", "LocalProtocolError"}
"""Errors of the SDKs' HTTP client after which nothing was sent; after any other, an answer may be billed."""


def import_sdk(name: str) -> ModuleType:
    """Imports the package of a provider; raises a UserError where it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        raise UserError(f"a teacher needs the package {name}: python -m pip install -e '.[teachers]'") from error


async def send(teacher: Endpoint, sdk: ModuleType, call: Awaitable[Any], *, seconds: float) -> tuple[str, Any]:
    """Makes one raw call of an SDK; returns the text of the response and its headers.

    Args:
        seconds: the time after which it counts as lost, even if data still arrive.

    Raises:
        NoAnswer: there is none; its class says whether calling again may help.
    """
    try:
        async with asyncio.timeout(seconds + 1):  # the SDK's own one ends when nothing at all comes
            response = (await call).http_response
            return await _body(response), response.headers
    except sdk.APIStatusError as error:
        _refuse(teacher, error.response)
    except TooLong as error:
        raise Rejected(str(error), tokens=None) from None
    except TimeoutError:
        raise Transient(f"no answer: timed out after {seconds:g} s", tokens=None) from None
    except sdk.APIConnectionError as error:  # a timeout is one too
        cause = error.__cause__
        why = " ".join(dict.fromkeys(" ".join(str(one).split()) for one in (error, cause) if one and str(one)))
        sent = type(cause).__name__ not in UNSENT
        raise Transient(f"no answer: {why or type(error).__name__}", tokens=None if sent else (0, 0)) from error
    except (sdk.APIError, ValueError, TypeError) as error:  # the SDK itself sends no such request
        raise Rejected(f"it cannot be sent: {' '.join(str(error).split())[:200]}") from error


async def send_for_json(
    teacher: Endpoint, sdk: ModuleType, call: Awaitable[Any], *, seconds: float
) -> tuple[Any, Mapping[str, str]]:
    """Returns the body of the response as plain data, and its headers; raises NoAnswer like `send`."""
    text, headers = await send(teacher, sdk, call, seconds=seconds)
    try:
        body = json.loads(text)
        clean = teacher.hide(body)
    except (ValueError, RecursionError):
        shown = " ".join(teacher.hide(text).split())[:200] or "nothing"
        raise Transient(f"not an answer of this API: {shown}", tokens=None) from None
    if clean != body:
        log.warning("%s: an answer holds what looks like a key; [key] is written in its place", teacher.name)
    return clean, headers


@contextmanager
def without_key(teacher: Endpoint) -> Iterator[None]:
    """Within this block the key is removed from the text of a NoAnswer."""
    try:
        yield
    except NoAnswer as error:
        error.args = (teacher.hide(str(error)),)
        raise


async def _body(response: Any) -> str:
    """The text of a response; for a stream, errors of the SDK's HTTP client are raised as they are."""
    client = import_module(type(response).__module__.partition(".")[0])
    try:
        return (await response.aread()).decode(errors="replace")
    except client.TransportError as error:
        raise Transient(f"no answer: {' '.join(str(error).split())}", tokens=None) from error


def _refuse(teacher: Endpoint, response: Any) -> NoReturn:
    """Raises the exception for a response with the status of an error."""
    text = response.text
    try:
        body = teacher.hide(json.loads(text))  # before anything is cut, which would leave half a key
    except (ValueError, RecursionError):
        body = teacher.hide(text)
    raise classify_error(response.status_code, read_error(body), teacher, wait=read_retry_after(response.headers))


def http_client(sdk: ModuleType, longest: int = LONGEST) -> Any:
    """Returns an HTTP client that follows no redirection, as the key is for one address, and limits bodies.

    Args:
        longest: bytes of a body that is not compressed.
    """
    plain, hooks = {"accept-encoding": "identity"}, {"response": [partial(_limited, longest=longest)]}
    return sdk.DefaultAsyncHttpxClient(follow_redirects=False, headers=plain, event_hooks=hooks)


class TooLong(Exception):
    """A body is longer than any answer, and may not fit into memory."""


async def _limited(response: Any, longest: int) -> None:
    """Ends the reading of a body that is too long; a compressed one may grow a thousandfold."""
    body, limit = response.stream, LONGEST_PACKED if response.headers.get("content-encoding") else longest

    class Counted(type(body)):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = limit
            async for part in body:
                left -= len(part)
                if left < 0:
                    raise TooLong(f"the server sent more than {limit:,} bytes in one answer")
                yield part

        def __init__(self) -> None:
            return

        async def aclose(self) -> None:
            await body.aclose()

    response.stream = Counted()
