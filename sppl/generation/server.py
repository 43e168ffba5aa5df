"""Generates answers on a server with an OpenAI-compatible API: vLLM, SGLang, `transformers serve`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sppl.artifacts.journal import Journal
from sppl.artifacts.provenance import fingerprint
from sppl.bounds import Count, NotNegative, Positive, misfits
from sppl.generation.answer import Answer, Overlong, Prompt
from sppl.generation.serving import load_adapter, models_of
from sppl.hardware.hardware import Hardware
from sppl.models.target import TargetModel
from sppl.schemas import Sampling, UserError
from sppl.teachers.api import OpenAITeacher
from sppl.teachers.asking import TeacherRequest, ask_all
from sppl.teachers.budget import Budget
from sppl.teachers.replies import openai_reply
from sppl.teachers.teacher import Decoding, Refused, Reply

TOO_LONG = re.compile(r"context[ _](length|window)|maximum context|too long", re.IGNORECASE)
"""Matches messages of servers about requests that do not fit into the model's context."""
CUT_OFF = "length"
"""A server's word for answers that the model did not end itself."""


@dataclass(frozen=True, kw_only=True)
class ServerGenerator:
    """The settings of answering on a server. Every answer is written to disk at once.

    Args:
        base_url: of the server, up to `/v1`.
        model: what the server calls the target.
        name: of the server in artifacts' names: the same server at another address keeps it; None: its address.
        api_key_env: NAME of the environment variable that holds the key; None for a server without.
        load_adapters: whether the server is told to load adapters by vLLM's call, which needs their folder there.
        concurrency: requests in progress at once.
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
    concurrency: Count = 32
    timeout: Positive = 600.0
    tries: Count = 6
    backoff: NotNegative = 1.0
    request: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "request", self.request or {})  # null in a configuration file
        if wrong := misfits(self):
            raise UserError(f"generator: {'; '.join(wrong)}")

    @property
    def key(self) -> str:
        """The key that requests carry.

        Raises:
            UserError: the environment variable is empty.
        """
        return self.asking(self.model, None).key()

    @property
    def identity(self) -> dict[str, Any]:
        """The server, its model and further fields: another server may hold other weights under the same name."""
        said = {"server": self.name or self.base_url, "model": self.model}
        return {"generator": said | ({"request": dict(self.request)} if self.request else {})}

    def asking(self, model: str, sampling: Sampling | None) -> "_Server":
        """Returns the server as a teacher that answers with a model."""
        drawn: dict[str, Any] = {"top_p": sampling.top_p, "seed": sampling.seed} if sampling else {}
        drawn |= {"top_k": sampling.top_k} if sampling and sampling.top_k else {}
        return _Server(
            name="server", model=model, api_key_env=self.api_key_env, base_url=self.base_url, input_price=0.0,
            output_price=0.0, concurrency=self.concurrency, timeout=self.timeout, tries=self.tries,
            backoff=self.backoff, request={**drawn, **self.request},
        )  # fmt: skip

    def open(self, target: TargetModel, hardware: Hardware, journal: Path) -> "ServerAnswering":
        """Returns what answers; `journal` keeps the answers until the artifact is written."""
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
        """Returns one answer per prompt, in their order; those in the journal are not asked for again.

        Raises:
            UserError: the server does not know the model or cannot load the adapter, or some prompts stayed unanswered.
        """
        model = load_adapter(self.settings, trained) if trained else self.settings.model
        listed = models_of(self.settings)
        server = self.settings.asking(model, sampling)
        identity = {**self.settings.identity, "model": model, "sampling": sampling}
        journal = Journal(self.journal / "answers.jsonl")
        decoding = Decoding(sampling.temperature if sampling else 0.0, max_new_tokens, sampling.seed if sampling else 0)
        keys = {prompt.id: fingerprint([identity, list(prompt.messages), decoding]) for prompt in prompts}
        requests = {one.id: TeacherRequest(keys[one.id], one.messages, decoding, [max_new_tokens]) for one in prompts}
        known = journal.read()

        def arrived(request: TeacherRequest, _: Decoding, reply: Reply) -> None:
            written = reply.tokens[1] if reply.tokens else 0
            journal.add(request.key, text=reply.text, n_tokens=written, ended=reply.ended != CUT_OFF)

        todo = {one.key: one for one in requests.values() if one.key not in known}
        try:
            failed = ask_all(server, list(todo.values()), arrived, lambda *_: None, Budget())
        except Refused as error:
            raise UserError(
                f"{what}: the server at {self.settings.base_url} refuses every request: {error}. It lists the models "
                f"{listed}: generator.model=NAME"
            ) from error
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
        """Returns the server's address and model."""
        return {"device": f"server {self.settings.name or self.settings.base_url}"}


@dataclass(frozen=True, kw_only=True)
class _Server(OpenAITeacher):
    """The server as a teacher, for which an answer that is cut off or empty is no failure."""

    finished: Sequence[str] = ("stop", CUT_OFF)

    @property
    def group(self) -> str:
        return "generator"

    def read(self, body: Any, headers: Mapping[str, str], decoding: Decoding) -> Reply:
        """The answer in a body; NoAnswer where there is none."""
        return openai_reply(body, self, decoding, empty=True)
