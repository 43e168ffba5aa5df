"""Teachers behind an API: any OpenAI-compatible endpoint, and Anthropic's. Retries are ours, not the SDKs'."""

import os
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from inspect import isawaitable
from types import ModuleType
from typing import Any

from sppl.schemas import Message, UserError
from sppl.teachers.teacher import Decoding, Refused, Rejected, Reply, Session, Transient

AGAIN = (408, 409, 429)
HOPELESS = (401, 403, 404)
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, kw_only=True)
class ApiTeacher:
    """Settings that every API needs.

    Args:
        name: the word recipes use.
        model: as the API calls it.
        api_key_env: NAME of the environment variable that holds the key, never the key; null for a server without.
        base_url: the endpoint; null for the SDK's own.
        input_price: US dollars per million tokens read; null if not known.
        output_price: US dollars per million tokens written.
        concurrency: requests under way at once, at most; less while the server says it is too much.
        timeout: seconds until a request counts as lost.
        tries: times one request is sent, at most.
        backoff: seconds before the second try, doubled for every further one.
        request: further fields of every request, as the API names them; null leaves a field out that would be sent,
            e.g. `temperature`, which newer models refuse.
    """

    name: str
    model: str
    api_key_env: str | None
    base_url: str | None = None
    input_price: float | None = None
    output_price: float | None = None
    concurrency: int = 8
    timeout: float = 120.0
    tries: int = 6
    backoff: float = 1.0
    request: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> Mapping[str, Any]:
        return {"model": self.model, "base_url": self.base_url} | ({"request": self.request} if self.request else {})

    @property
    def prices(self) -> tuple[float, float] | None:
        known = self.input_price is not None and self.output_price is not None
        return (self.input_price, self.output_price) if known else None  # pyright: ignore[reportReturnType]

    def options(self) -> dict[str, Any]:
        """Arguments of an SDK's client.

        Raises:
            UserError: the environment variable is empty.
        """
        key = os.environ.get(self.api_key_env, "") if self.api_key_env else "none"
        if not key:
            raise UserError(
                f"teacher.{self.name}: the environment variable {self.api_key_env} holds no key; export it first"
            )
        return {"api_key": key, "base_url": self.base_url, "max_retries": 0, "timeout": self.timeout}

    def body(self, **own: Any) -> dict[str, Any]:
        """A request's fields: our own, those of `request` over them, and none that is None."""
        return {name: value for name, value in {**own, **self.request}.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class OpenAITeacher(ApiTeacher):
    """A model behind an OpenAI-compatible endpoint: OpenAI, vLLM, `transformers serve`.

    Args:
        limit: the field that limits an answer's tokens; OpenAI's newer models want `max_completion_tokens`.
    """

    limit: str = "max_tokens"

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """An open connection."""
        sdk = import_sdk("openai")
        async with sdk.AsyncOpenAI(**self.options()) as client:
            yield _OpenAI(sdk, client, self)


@dataclass(frozen=True, kw_only=True)
class AnthropicTeacher(ApiTeacher):
    """A model behind Anthropic's API."""

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """An open connection."""
        sdk = import_sdk("anthropic")
        async with sdk.AsyncAnthropic(**self.options()) as client:
            yield _Anthropic(sdk, client, self)


@dataclass(frozen=True)
class _OpenAI:
    sdk: ModuleType
    client: Any
    teacher: OpenAITeacher

    async def ask(self, messages: Sequence[Message], decoding: Decoding) -> Reply:
        sampling = {"temperature": decoding.temperature, self.teacher.limit: decoding.max_tokens}
        create = self.client.chat.completions.with_raw_response.create
        raw, made = await send(
            self.sdk,
            create,
            model=self.teacher.model,
            messages=list(messages),
            extra_body=self.teacher.body(**sampling),
        )
        choices = getattr(made, "choices", None)
        if not choices:
            raise Transient("the server answered without a choice")
        text = choices[0].message.content if choices[0].message else None
        used = getattr(made, "usage", None)
        tokens = (used.prompt_tokens, used.completion_tokens) if used else (0, 0)
        return _reply(text, choices[0].finish_reason, tokens, decoding, _pause(raw.headers, "x-ratelimit-{}-requests"))


@dataclass(frozen=True)
class _Anthropic:
    sdk: ModuleType
    client: Any
    teacher: AnthropicTeacher

    async def ask(self, messages: Sequence[Message], decoding: Decoding) -> Reply:
        system = "\n\n".join(one["content"] for one in messages if one["role"] == "system")
        said = [dict(one) for one in messages if one["role"] != "system"]
        body = self.teacher.body(temperature=decoding.temperature, system=system or None)
        create = self.client.messages.with_raw_response.create
        raw, made = await send(
            self.sdk, create, model=self.teacher.model, messages=said, max_tokens=decoding.max_tokens, extra_body=body
        )
        parts = [part.text for part in getattr(made, "content", None) or [] if getattr(part, "type", "") == "text"]
        used = getattr(made, "usage", None)
        tokens = (used.input_tokens, used.output_tokens) if used else (0, 0)
        stop = {"max_tokens": "length", "refusal": "content_filter"}.get(getattr(made, "stop_reason", ""), "stop")
        pause = _pause(raw.headers, "anthropic-ratelimit-requests-{}")
        return _reply("".join(parts), stop, tokens, decoding, pause)


def import_sdk(name: str) -> ModuleType:
    """The package of a provider.

    Raises:
        UserError: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise UserError(f"a teacher needs the package {name}: python -m pip install -e '.[teachers]'") from error


async def send(sdk: ModuleType, create: Any, **request: Any) -> tuple[Any, Any]:
    """The raw response and what it parses to.

    Raises:
        Transient, Rejected, Refused: there is none; why, and whether asking again may help.
    """
    try:
        raw = await create(**request)
        made = raw.parse()
        return raw, await made if isawaitable(made) else made  # one SDK parses at once, the other when awaited
    except sdk.APIStatusError as error:
        why = f"{error.status_code}: {' '.join(str(error.message).split())[:200]}"
        if error.status_code in AGAIN or error.status_code >= 500:
            wait = _seconds(error.response.headers.get("retry-after"))
            raise Transient(why, wait=wait, crowded=error.status_code == 429) from error
        raise (Refused if error.status_code in HOPELESS else Rejected)(why) from error
    except sdk.APIConnectionError as error:  # a timeout is one too
        raise Transient(f"no answer: {' '.join(str(error).split()) or type(error).__name__}") from error
    except (sdk.APIError, ValueError, AttributeError) as error:
        raise Transient(f"not an answer of this API: {' '.join(str(error).split())[:200]}") from error


def _reply(text: str | None, stop: str | None, tokens: tuple[int, int], decoding: Decoding, pause: float) -> Reply:
    used = tokens[0] or 0, tokens[1] or 0
    if stop == "content_filter":
        raise Rejected("the server's filter withheld the answer", tokens=used)
    if stop == "length":
        raise Transient(f"cut off after {decoding.max_tokens} tokens (finish_reason=length)", tokens=used)
    if not (text or "").strip():
        raise Transient("an empty answer", tokens=used)
    return Reply(str(text), *used, pause)


def _pause(headers: Mapping[str, str], name: str) -> float:
    """Seconds until the server lets the next request in, where it says that none is left."""
    if headers.get(name.format("remaining")) != "0":
        return 0.0
    return sum(float(n) * SECONDS[unit] for n, unit in DURATION.findall(headers.get(name.format("reset"), ""))) or 1.0


def _seconds(text: str | None) -> float | None:
    """A Retry-After header; dates are not read, our own waiting stands in."""
    return float(text) if text is not None and re.fullmatch(r"\d+(\.\d+)?", text) else None
