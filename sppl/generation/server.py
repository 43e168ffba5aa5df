"""The target answers on a server that speaks OpenAI's language: vLLM, SGLang, `transformers serve`."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sppl.generation.answer import Answer, Overlong, Prompt
from sppl.generation.serving import load_adapter, models_of
from sppl.hardware.hardware import Hardware
from sppl.models.target import TargetModel
from sppl.provenance import fingerprint
from sppl.schemas import Message, Sampling, UserError
from sppl.teachers.api import OpenAITeacher, import_sdk, send
from sppl.teachers.asking import Request, ask_all
from sppl.teachers.journal import Journal
from sppl.teachers.teacher import Decoding, Rejected, Reply, Session, Transient

TOO_LONG = re.compile(r"context[ _](length|window)|maximum context|too long", re.IGNORECASE)
"""How servers say that a request does not fit into the model's context."""
FINISHED = {"stop": True, "length": False}
"""How a server says that an answer is over, and whether the model ended it itself."""


@dataclass(frozen=True, kw_only=True)
class ServerGenerator:
    """Settings of answering on a server. Every answer is on disk before the next thing happens.

    Args:
        base_url: of the server, up to `/v1`.
        model: what the server calls the target.
        name: of the server in artifacts' names: the same server at another address keeps it; None: its address.
        api_key_env: NAME of the environment variable that holds the key; None for a server without.
        load_adapters: whether adapters are handed to the server by vLLM's call, which needs their folder there.
        concurrency: answers under way at once.
        timeout: seconds until a request counts as lost.
        tries: times one request is sent, at most.
        backoff: seconds before the second try, doubled for every further one.
        request: further fields of every request.
    """

    base_url: str
    model: str
    name: str | None = None
    api_key_env: str | None = None
    load_adapters: bool = False
    concurrency: int = 32
    timeout: float = 600.0
    tries: int = 6
    backoff: float = 1.0
    request: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def key(self) -> str:
        """The key requests carry.

        Raises:
            UserError: the environment variable is empty.
        """
        return OpenAITeacher(name="server", model=self.model, api_key_env=self.api_key_env).options()["api_key"]

    @property
    def identity(self) -> dict[str, Any]:
        """The server and what it is told: another one may hold other weights under the same name."""
        said = {"server": self.name or self.base_url, "model": self.model}
        return {"generator": said | ({"request": dict(self.request)} if self.request else {})}

    def open(self, target: TargetModel, hardware: Hardware, journal: Path) -> "ServerAnswering":
        """What answers; `journal` keeps the answers until the artifact is written."""
        if target.generation != "greedy":
            raise UserError(
                "target_model.generation=model is for answers in this process (generator=local); what a server follows "
                "is said when it is started, and in generator.request (docs/servers.md)"
            )
        options = dict(target.template_options)
        request = {**({"chat_template_kwargs": options} if options else {}), **self.request}
        return ServerAnswering(replace(self, request=request), journal)


@dataclass
class ServerAnswering:
    """A target on a server, and adapters it has loaded."""

    settings: ServerGenerator
    journal: Path

    def answer(
        self,
        prompts: Sequence[Prompt],
        *,
        max_new_tokens: int,
        sampling: Sampling | None = None,
        trained: Path | None = None,
        overlong: Overlong = "refuse",
        what: str = "answer",
    ) -> list[Answer | None]:
        """One answer per prompt, in their order; those in the journal are not asked for again.

        Raises:
            UserError: the server does not know the model or cannot load the adapter, or some prompts stayed unanswered.
        """
        model = load_adapter(self.settings, trained) if trained else self.settings.model
        listed = models_of(self.settings)
        server = _Server(self.settings, model, sampling)
        journal = Journal(self.journal / "answers.jsonl")
        decoding = Decoding(sampling.temperature if sampling else 0.0, max_new_tokens, sampling.seed if sampling else 0)
        requests = {prompt.id: Request(_key(server, prompt, decoding), prompt.messages, decoding) for prompt in prompts}
        known = journal.read()

        def arrived(key: str, reply: Reply) -> None:
            journal.add(key, text=reply.text, n_tokens=reply.output_tokens, ended=reply.ended)

        todo = {one.key: one for one in requests.values() if one.key not in known}
        try:
            failed = ask_all(server, list(todo.values()), arrived, lambda *_: None)
        except UserError as error:
            raise UserError(f"{error}. It lists the models {listed}: generator.model=NAME") from error
        long = {key for key, why in failed.items() if overlong == "skip" and TOO_LONG.search(why)}
        failed = {key: why for key, why in failed.items() if key not in long}
        if failed:
            names = {one.key: name for name, one in requests.items()}
            shown = "; ".join(f"{names[key]}: {why}" for key, why in list(failed.items())[:5])
            raise UserError(
                f"{what}: the server at {self.settings.base_url} left {len(failed)} of {len(prompts)} questions "
                f"unanswered ({shown}). The others are kept; the same command asks for the missing ones only"
            )
        known = journal.read()
        keys = [requests[prompt.id].key for prompt in prompts]
        answers = {key: Answer(one["text"], one["n_tokens"], one["ended"]) for key, one in known.items()}
        return [None if key in long else answers[key] for key in keys]

    def facts(self) -> dict[str, Any]:
        """Where it ran, as far as we know."""
        return {"device": f"server {self.settings.name or self.settings.base_url}"}


def _key(server: "_Server", prompt: Prompt, decoding: Decoding) -> str:
    return fingerprint([server.identity, list(prompt.messages), decoding])


@dataclass(frozen=True)
class _Server:
    """The server as the one who is asked; a cut-off answer is an answer here, not a failure."""

    settings: ServerGenerator
    model: str
    sampling: Sampling | None

    @property
    def name(self) -> str:
        return f"on the server {self.settings.base_url}"

    @property
    def identity(self) -> Mapping[str, Any]:
        return {**self.settings.identity, "model": self.model, "sampling": self.sampling}

    @property
    def prices(self) -> tuple[float, float]:
        return (0.0, 0.0)

    @property
    def concurrency(self) -> int:
        return self.settings.concurrency

    @property
    def tries(self) -> int:
        return self.settings.tries

    @property
    def backoff(self) -> float:
        return self.settings.backoff

    @property
    def client(self) -> OpenAITeacher:
        one = self.settings
        return OpenAITeacher(
            name="server", model=self.model, api_key_env=one.api_key_env, base_url=one.base_url, timeout=one.timeout,
            request=one.request,
        )  # fmt: skip

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """An open connection."""
        sdk = import_sdk("openai")
        async with sdk.AsyncOpenAI(**self.client.options()) as client:
            yield _Connection(self, sdk, client)


@dataclass(frozen=True)
class _Connection:
    server: _Server
    sdk: Any
    client: Any

    async def ask(self, messages: Sequence[Message], decoding: Decoding) -> Reply:
        drawn = self.server.sampling
        how: dict[str, Any] = {"temperature": decoding.temperature, "max_tokens": decoding.max_tokens}
        how |= {"top_p": drawn.top_p, "seed": drawn.seed} if drawn else {}
        how |= {"top_k": drawn.top_k} if drawn and drawn.top_k else {}
        create = self.client.chat.completions.with_raw_response.create
        body = self.server.client.body(**how)
        _, made = await send(self.sdk, create, model=self.server.model, messages=list(messages), extra_body=body)
        choices = getattr(made, "choices", None)
        if not choices or not choices[0] or not choices[0].message:
            raise Transient("the server answered without a choice")
        finish = choices[0].finish_reason
        if finish not in FINISHED:
            raise Rejected(f"the answer ended with finish_reason={finish}")
        used = getattr(made, "usage", None)
        tokens = getattr(used, "completion_tokens", 0) or 0
        return Reply(choices[0].message.content or "", 0, tokens, ended=FINISHED[finish])
