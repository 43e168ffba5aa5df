"""Asks a server which models it has, and to load an adapter."""

import json
import urllib.error
from pathlib import Path
from typing import Any, Protocol

from sppl.artifacts.provenance import content_digest
from sppl.keys import without_keys
from sppl.schemas import UserError
from sppl.sending import send_with_key


class Served(Protocol):
    """The address of a server, and how to reach it."""

    @property
    def base_url(self) -> str: ...

    @property
    def load_adapters(self) -> bool: ...

    @property
    def timeout(self) -> float: ...

    @property
    def key(self) -> str:
        """The key that requests carry."""
        ...


def models_of(server: Served) -> str:
    """Returns the names of the models a server lists, for messages; empty where it lists none.

    Raises:
        UserError: no server answers there.
    """
    try:
        listed = json.loads(_call(server, "models"))
        return ", ".join(str(one["id"]) for one in listed["data"][:20])
    except (urllib.error.HTTPError, ValueError, KeyError, TypeError):
        return ""  # not every server has such a list


def load_adapter(server: Served, folder: Path) -> str:
    """Makes a server load an adapter by vLLM's call (it must see the same folder); returns its name there.

    Raises:
        UserError: the folder holds no adapter, or the server cannot load it.
    """
    if not (folder / "adapter_config.json").exists():
        raise UserError(
            f"{folder} holds a whole model, which a running server cannot take; train adapters (training=lora), or "
            "answer in this process: generator=local"
        )
    if not server.load_adapters:
        raise UserError(
            f"the server at {server.base_url} answers as the untrained target only. Start it so that it takes adapters "
            "while it runs (docs/servers.md) and say generator.load_adapters=true, or answer in this process: "
            "generator=local"
        )
    name = f"sppl-{content_digest(folder)}"
    try:
        _call(server, "load_lora_adapter", {"lora_name": name, "lora_path": str(folder.resolve())})
    except urllib.error.HTTPError as error:
        said = " ".join(without_keys(error.read(2000).decode(errors="replace"), server.key).split())[:200]
        if not (error.code == 400 and "already" in said):
            raise UserError(
                f"the server at {server.base_url} did not load the adapter {folder}: {error.code} {said}. "
                "docs/servers.md says how to start it"
            ) from error
    return name


def _call(server: Served, what: str, body: dict[str, Any] | None = None) -> bytes:
    """The server's answer to one plain request."""
    data = json.dumps(body).encode() if body else None
    try:
        with send_with_key(f"{server.base_url.rstrip('/')}/{what}", server.key, data, server.timeout) as answer:
            return answer.read(1 << 20)
    except urllib.error.HTTPError:
        raise
    except OSError as error:
        raise UserError(
            f"no server answers at {server.base_url} ({error}); generator.base_url=URL says where"
        ) from error
