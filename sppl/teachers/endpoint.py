"""The settings that teachers behind every API share: address, key, prices and limits, checked before use."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from sppl.bounds import Count, NotNegative, misfits
from sppl.keys import check_for_keys, hide_keys
from sppl.schemas import UserError
from sppl.teachers.teacher import Decoding


@dataclass(frozen=True, kw_only=True)
class Endpoint:
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
        max_tokens_ceiling: tokens an answer may have that a recipe's `max_tokens` cut off; it is asked for once more
            with this limit. null: it is not asked for again.
        mode: `direct`, or `batch`: many requests handed in together, answered within a day, at half the price.
        poll: seconds between two looks at a batch.
        finished: how finished answers end, in the API's words; `none` where it gives null. All others are no answers.
        request: further fields of every request, as the API names them; null leaves a field out that would be sent,
            e.g. `temperature`, which newer models refuse.
    """

    name: str
    model: str
    api_key_env: str | None
    base_url: str | None = None
    input_price: NotNegative | None = None
    output_price: NotNegative | None = None
    concurrency: Count = 8
    timeout: NotNegative = 120.0
    tries: Count = 6
    backoff: NotNegative = 1.0
    max_tokens_ceiling: Count | None = None
    mode: Literal["direct", "batch"] = "direct"
    poll: NotNegative = 60.0
    finished: Sequence[str] = ()
    request: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "request", self.request or {})  # null in a configuration file
        wrong = misfits(self)
        if self.base_url is not None and not _is_address(self.base_url):
            wrong.append(f"base_url={self.base_url!r} is no address; they look like https://my.host/v1")
        if isinstance(self.finished, str) or not self.finished:
            wrong.append(f"finished={self.finished!r} is not a list of words, e.g. [stop]")
        if said := check_for_keys({"base_url": self.base_url, "request": self.request}):
            wrong.append(said)
        wrong += [f"request.{name} is set by {OURS[name]}" for name in self.request if name in OURS]
        if wrong:
            raise UserError(self.hide(f"{self.group}: " + "; ".join(wrong)))

    @property
    def group(self) -> str:
        """The place of its settings in the configuration."""
        return f"teacher.{self.name}"

    @property
    def identity(self) -> Mapping[str, Any]:
        """What an answer depends on; a limit is not part of it, as a finished answer is the same under a larger one.

        So raising `max_tokens_ceiling`, or a further word in `finished`, asks for nothing a second time.
        """
        return {"model": self.model, "base_url": self.base_url} | ({"request": self.request} if self.request else {})

    @property
    def prices(self) -> tuple[float, float] | None:
        known = self.input_price is not None and self.output_price is not None
        return (self.input_price, self.output_price) if known else None  # pyright: ignore[reportReturnType]

    @property
    def fields(self) -> Collection[str]:
        """The fields that are the same in every request."""
        return {"temperature", "model", *self.request}

    def greedy(self, decoding: Decoding) -> bool:
        """Whether the same request would bring the same answer."""
        return self.request.get("temperature", decoding.temperature) == 0

    def key(self) -> str:
        """Returns the key; `none` for a server without.

        Raises:
            UserError: the environment variable is empty, or holds what no key can be.
        """
        if self.api_key_env is None:
            return "none"
        key = os.environ.get(self.api_key_env, "")
        where = f"{self.group}: the environment variable {self.api_key_env}"
        if not key.strip():
            raise UserError(f"{where} holds no key; export it first")
        odd = next((sign for sign in key if not "!" <= sign <= "~"), None)
        if odd is not None:
            what = {"\n": "a line break", "\r": "a line break", " ": "a blank"}.get(
                odd, f"the character U+{ord(odd):04X}"
            )
            raise UserError(
                f"{where} holds {what}, which no key has, and no request can be sent with it; export the key alone, "
                f'e.g. export {self.api_key_env}="$(tr -d [:space:] < FILE)"'
            )
        return key

    def options(self) -> dict[str, Any]:
        """Returns the arguments of an SDK's client; raises a UserError where there is no key."""
        return {"api_key": self.key(), "base_url": self.base_url, "max_retries": 0, "timeout": self.timeout}

    def hide(self, said: Any) -> Any:
        """Returns a text or plain data without the key, which a server may repeat, and anything else like a key."""
        return hide_keys(said, os.environ.get(self.api_key_env, "") if self.api_key_env else "")

    def body(self, **own: Any) -> dict[str, Any]:
        """Returns a request's fields: our own, overruled by those of `request`, without those that are None."""
        return {name: value for name, value in {**own, **self.request}.items() if value is not None}


OURS = {
    "messages": "the recipe",
    "model": "teacher.NAME.model",
    "max_tokens": "strategy.NAME.max_tokens",
    "max_completion_tokens": "strategy.NAME.max_tokens, with teacher.NAME.limit=max_completion_tokens",
    "stream": "us: answers come whole",
    "n": "us: every question has one answer at a time",
}
"""Fields that `request` must not hold, as they would change the cost or the meaning of an answer."""


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        return False
