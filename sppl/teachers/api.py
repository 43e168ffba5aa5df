"""Teachers behind an API: any OpenAI-compatible endpoint, and Anthropic's. Retries are ours, not the SDKs'."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from types import ModuleType
from typing import Any, NoReturn

from sppl.schemas import Message, UserError
from sppl.teachers.endpoint import Endpoint
from sppl.teachers.faults import fault, told
from sppl.teachers.replies import anthropic_reply, openai_reply
from sppl.teachers.teacher import Decoding, NoAnswer, Rejected, Reply, Session, Transient
from sppl.teachers.waits import pause, retry_after

log = logging.getLogger(__name__)

LONGEST, LONGEST_PACKED = 1 << 25, 1 << 16
"""Bytes of a body, and of a compressed one."""

UNSENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol", "LocalProtocolError"}
"""Errors of the SDKs' HTTP client that mean that nothing was sent; after any other one an answer may be on the bill."""


@dataclass(frozen=True, kw_only=True)
class OpenAITeacher(Endpoint):
    """A model behind an OpenAI-compatible endpoint: OpenAI, vLLM, `transformers serve`.

    Args:
        limit: the field that limits an answer's tokens; OpenAI's newer models want `max_completion_tokens`.
    """

    finished: Sequence[str] = ("stop",)
    limit: str = "max_tokens"

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """An open connection."""
        sdk = import_sdk("openai")
        async with sdk.AsyncOpenAI(**self.options(), http_client=_http(sdk)) as client:
            yield _Connection(self, sdk, client.chat.completions.with_raw_response.create, self.fill, self.read)

    @property
    def fields(self) -> Collection[str]:
        return {*super().fields, self.limit}

    def fill(self, messages: Sequence[Message], decoding: Decoding) -> dict[str, Any]:
        """The arguments of the SDK's call."""
        sampling = {"temperature": decoding.temperature, self.limit: decoding.max_tokens}
        return {"model": self.model, "messages": list(messages), "extra_body": self.body(**sampling)}

    def read(self, body: Any, headers: Mapping[str, str], decoding: Decoding) -> Reply:
        """The answer in a body; NoAnswer where there is none."""
        return replace(openai_reply(body, self, decoding), pause=pause(headers, "x-ratelimit-{}-requests"))


@dataclass(frozen=True, kw_only=True)
class AnthropicTeacher(Endpoint):
    """A model behind Anthropic's API."""

    finished: Sequence[str] = ("end_turn", "stop_sequence")

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """An open connection."""
        sdk = import_sdk("anthropic")
        async with sdk.AsyncAnthropic(**self.options(), http_client=_http(sdk)) as client:
            yield _Connection(self, sdk, client.messages.with_raw_response.create, self.fill, self.read)

    @property
    def fields(self) -> Collection[str]:
        return {*super().fields, "max_tokens", "system"}

    def fill(self, messages: Sequence[Message], decoding: Decoding) -> dict[str, Any]:
        """The arguments of the SDK's call."""
        system = "\n\n".join(one["content"] for one in messages if one["role"] == "system")
        said = [dict(one) for one in messages if one["role"] != "system"]
        body = self.body(temperature=decoding.temperature, system=system or None)
        return {"model": self.model, "messages": said, "max_tokens": decoding.max_tokens, "extra_body": body}

    def read(self, body: Any, headers: Mapping[str, str], decoding: Decoding) -> Reply:
        """The answer in a body; NoAnswer where there is none."""
        return replace(anthropic_reply(body, self, decoding), pause=pause(headers, "anthropic-ratelimit-requests-{}"))


@dataclass(frozen=True)
class _Connection:
    teacher: Endpoint
    sdk: ModuleType
    create: Any
    fill: Callable[[Sequence[Message], Decoding], dict[str, Any]]
    read: Callable[[Any, Mapping[str, str], Decoding], Reply]

    async def ask(self, messages: Sequence[Message], decoding: Decoding) -> Reply:
        try:
            body, headers = await self._sent(self.fill(messages, decoding))
            return self.read(body, headers, decoding)
        except NoAnswer as error:
            error.args = (self.teacher.hide(str(error)),)
            raise

    async def _sent(self, request: dict[str, Any]) -> tuple[Any, Mapping[str, str]]:
        """The body of the answer, and its headers."""
        try:
            async with asyncio.timeout(self.teacher.timeout + 1):  # the SDK's own one ends when nothing at all comes
                raw = (await self.create(**request)).http_response
                text = (await raw.aread()).decode(errors="replace")
        except self.sdk.APIStatusError as error:
            self._refuse(error.response)
        except TooLong as error:
            raise Rejected(str(error), tokens=None) from None
        except TimeoutError:
            raise Transient(f"no answer: timed out after {self.teacher.timeout:g} s", tokens=None) from None
        except self.sdk.APIConnectionError as error:  # a timeout is one too
            cause = error.__cause__
            why = " ".join(dict.fromkeys(" ".join(str(one).split()) for one in (error, cause) if one and str(one)))
            sent = type(cause).__name__ not in UNSENT
            raise Transient(f"no answer: {why or type(error).__name__}", tokens=None if sent else (0, 0)) from error
        except (self.sdk.APIError, ValueError, TypeError) as error:  # the SDK itself sends no such request
            raise Rejected(f"it cannot be sent: {' '.join(str(error).split())[:200]}") from error
        try:
            body = json.loads(text)
            clean = self.teacher.hide(body)
        except (ValueError, RecursionError):
            shown = " ".join(self.teacher.hide(text).split())[:200] or "nothing"
            raise Transient(f"not an answer of this API: {shown}", tokens=None) from None
        if clean != body:
            log.warning("%s: an answer holds what looks like a key; [key] is written in its place", self.teacher.name)
        return clean, raw.headers

    def _refuse(self, response: Any) -> NoReturn:
        """Raises what a response with the status of an error means."""
        text = response.text
        try:
            body = self.teacher.hide(json.loads(text))  # before anything is cut, which would leave half a key
        except (ValueError, RecursionError):
            body = self.teacher.hide(text)
        raise fault(response.status_code, told(body), self.teacher, wait=retry_after(response.headers))


def _http(sdk: ModuleType) -> Any:
    """An HTTP client that follows no redirection, as the key is for one address, and reads no more than an answer."""
    plain = {"accept-encoding": "identity"}
    return sdk.DefaultAsyncHttpxClient(follow_redirects=False, headers=plain, event_hooks={"response": [_limited]})


class TooLong(Exception):
    """A body that nobody's answer has, and that memory may have no room for."""


async def _limited(response: Any) -> None:
    """Lets the reading of a response's body end where it is too long; a compressed one grows a thousandfold."""
    body, limit = response.stream, LONGEST_PACKED if response.headers.get("content-encoding") else LONGEST

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


def import_sdk(name: str) -> ModuleType:
    """The package of a provider; a UserError where it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        raise UserError(f"a teacher needs the package {name}: python -m pip install -e '.[teachers]'") from error
