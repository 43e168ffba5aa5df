"""Calls of the providers' SDKs: what comes back as plain data, and every error as what it means for a request."""

import asyncio
import json
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any, NoReturn

from sppl.schemas import UserError
from sppl.teachers.endpoint import Endpoint
from sppl.teachers.faults import fault, told
from sppl.teachers.teacher import NoAnswer, Rejected, Transient
from sppl.teachers.waits import retry_after

UNSENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol", "LocalProtocolError"}
"""Errors of the SDKs' HTTP client that mean that nothing was sent; after any other one an answer may be on the bill."""


def import_sdk(name: str) -> ModuleType:
    """The package of a provider; a UserError where it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        raise UserError(f"a teacher needs the package {name}: python -m pip install -e '.[teachers]'") from error


async def send(teacher: Endpoint, sdk: ModuleType, call: Awaitable[Any], *, seconds: float) -> tuple[str, Any]:
    """The text of the response to one raw call of an SDK, and its headers.

    Args:
        seconds: after which it counts as lost, also where something comes now and then.

    Raises:
        NoAnswer: there is none; its class says whether calling again may help.
    """
    try:
        async with asyncio.timeout(seconds + 1):  # the SDK's own one ends when nothing at all comes
            response = (await call).http_response
            return await _body(response), response.headers
    except sdk.APIStatusError as error:
        _refuse(teacher, error.response)
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
    """The body of the response as plain data, and its headers; NoAnswer like `send`."""
    text, headers = await send(teacher, sdk, call, seconds=seconds)
    try:
        return json.loads(text), headers
    except (ValueError, RecursionError):
        shown = " ".join(text.split())[:200] or "nothing"
        raise Transient(f"not an answer of this API: {shown}", tokens=None) from None


@contextmanager
def without_key(teacher: Endpoint) -> Iterator[None]:
    """Takes the key out of what a NoAnswer says."""
    try:
        yield
    except NoAnswer as error:
        error.args = (teacher.hide(str(error)),)
        raise


async def _body(response: Any) -> str:
    """The text of a response; where it is a stream, errors of the SDK's HTTP client come as they are."""
    client = import_module(type(response).__module__.partition(".")[0])
    try:
        return (await response.aread()).decode(errors="replace")
    except client.TransportError as error:
        raise Transient(f"no answer: {' '.join(str(error).split())}", tokens=None) from error


def _refuse(teacher: Endpoint, response: Any) -> NoReturn:
    """Raises what a response with the status of an error means."""
    text = response.text
    try:
        body = json.loads(text)
    except ValueError:
        body = text
    raise fault(response.status_code, told(body), teacher, wait=retry_after(response.headers))
