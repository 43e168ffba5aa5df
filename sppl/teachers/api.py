"""Teachers behind an API: any OpenAI-compatible endpoint, and Anthropic's. Retries are ours, not the SDKs'."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from sppl.schemas import Message
from sppl.teachers.anthropic_batches import AnthropicBatches
from sppl.teachers.batch import Batches, Fill, Read
from sppl.teachers.endpoint import Endpoint
from sppl.teachers.openai_batches import OpenAIBatches
from sppl.teachers.replies import anthropic_reply, openai_reply
from sppl.teachers.sdk import LONGEST_BATCH, http_client, import_sdk, send_for_json, without_key
from sppl.teachers.teacher import Decoding, Reply, Session
from sppl.teachers.waits import read_pause


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
        """Opens a connection."""
        sdk = import_sdk("openai")
        async with sdk.AsyncOpenAI(**self.options(), http_client=http_client(sdk)) as client:
            yield _Connection(self, sdk, client.chat.completions.with_raw_response.create, self.fill, self.read)

    @asynccontextmanager
    async def batches(self) -> AsyncIterator[Batches]:
        """Opens a connection to the API for batches."""
        sdk = import_sdk("openai")
        async with sdk.AsyncOpenAI(**self.options(), http_client=http_client(sdk, LONGEST_BATCH)) as client:
            yield OpenAIBatches(self, sdk, client, self.fill, self.read)

    @property
    def fields(self) -> Collection[str]:
        return {*super().fields, self.limit}

    def fill(self, messages: Sequence[Message], decoding: Decoding) -> dict[str, Any]:
        """Returns the arguments of the SDK's call."""
        sampling = {"temperature": decoding.temperature, self.limit: decoding.max_tokens}
        return {"model": self.model, "messages": list(messages), "extra_body": self.body(**sampling)}

    def read(self, body: Any, headers: Mapping[str, str], decoding: Decoding) -> Reply:
        """Returns the answer in a body; raises NoAnswer where there is none."""
        return replace(openai_reply(body, self, decoding), pause=read_pause(headers, "x-ratelimit-{}-requests"))


@dataclass(frozen=True, kw_only=True)
class AnthropicTeacher(Endpoint):
    """A model behind Anthropic's API."""

    finished: Sequence[str] = ("end_turn", "stop_sequence")

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Opens a connection."""
        sdk = import_sdk("anthropic")
        async with sdk.AsyncAnthropic(**self.options(), http_client=http_client(sdk)) as client:
            yield _Connection(self, sdk, client.messages.with_raw_response.create, self.fill, self.read)

    @asynccontextmanager
    async def batches(self) -> AsyncIterator[Batches]:
        """Opens a connection to the API for batches."""
        sdk = import_sdk("anthropic")
        async with sdk.AsyncAnthropic(**self.options(), http_client=http_client(sdk, LONGEST_BATCH)) as client:
            yield AnthropicBatches(self, sdk, client.messages.batches.with_raw_response, self.fill, self.read)

    @property
    def fields(self) -> Collection[str]:
        return {*super().fields, "max_tokens", "system"}

    def fill(self, messages: Sequence[Message], decoding: Decoding) -> dict[str, Any]:
        """Returns the arguments of the SDK's call."""
        system = "\n\n".join(one["content"] for one in messages if one["role"] == "system")
        said = [dict(one) for one in messages if one["role"] != "system"]
        body = self.body(temperature=decoding.temperature, system=system or None)
        return {"model": self.model, "messages": said, "max_tokens": decoding.max_tokens, "extra_body": body}

    def read(self, body: Any, headers: Mapping[str, str], decoding: Decoding) -> Reply:
        """Returns the answer in a body; raises NoAnswer where there is none."""
        return replace(
            anthropic_reply(body, self, decoding), pause=read_pause(headers, "anthropic-ratelimit-requests-{}")
        )


@dataclass(frozen=True)
class _Connection:
    teacher: Endpoint
    sdk: ModuleType
    create: Any
    fill: Fill
    read: Read

    async def ask(self, messages: Sequence[Message], decoding: Decoding) -> Reply:
        with without_key(self.teacher):
            call = self.create(**self.fill(messages, decoding))
            body, headers = await send_for_json(self.teacher, self.sdk, call, seconds=self.teacher.timeout)
            return self.read(body, headers, decoding)
