"""Recognises keys and passwords, so that none is ever written down.

The forms are those that providers document for their own keys. A bare hash (a commit, a digest) has no such form and
is a key only where a setting's name, or an environment variable, says so.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

_FORMS = (
    r"sk-(?:proj|svcacct|admin|service|ant|or|lf|None)-[\w-]{16,}",  # OpenAI, Anthropic, OpenRouter, Langfuse
    r"sk-(?=[\w-]{0,200}?(?:[A-Za-z0-9]{20}|(?=[A-Za-z0-9]{12})[A-Za-z]{0,60}\d))[\w-]{16,}",  # OpenAI, DeepSeek
    r"(?:hf|api_org)_[A-Za-z0-9]{16,}",  # Hugging Face
    r"wandb_v\d+_\w{16,}",
    r"AIza[\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}",  # Google
    r"(?:AKIA|ASIA)[A-Z0-9]{16}",  # Amazon
    r"(?:gsk|r8|fw|fpk|rpa|jina|KGAT)_(?=[A-Za-z]{0,60}\d)[A-Za-z0-9]{20,}",  # Groq, Replicate, Fireworks, RunPod
    r"(?:xai|pplx|csk)-(?=[A-Za-z]{0,60}\d)[A-Za-z0-9]{20,}",  # xAI, Perplexity, Cerebras
    r"nvapi-[\w-]{20,}|(?:tgp_v1|lsv2_pt|lsv2_sk|esecret)_[\w-]{20,}",  # Nvidia, Together, LangSmith, Anyscale
    r"gh[oprsu]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}",  # GitHub, GitLab
    r"xox[abeprs]-[\w-]{10,}",  # Slack
    r"dapi[0-9a-f]{32}|dop_v1_[0-9a-f]{32,}",  # Databricks, DigitalOcean
    r"[sr]k_(?:live|test)_\w{16,}|sk_[0-9a-f]{40,}",  # Stripe, ElevenLabs
    r"pypi-AgE[\w-]{20,}|npm_[A-Za-z0-9]{30,}|hvs\.[\w-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,}",
    r"eyJ[\w-]{8,2000}\.eyJ[\w-]{8,}(?:\.[\w-]*)?|eyJ[A-Za-z0-9+/]{60,}={0,2}",  # JSON web tokens; Neptune's
    r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,20}PRIVATE KEY-----)?",
)
KEY = re.compile(r"(?<![A-Za-z0-9])(?:" + "|".join(_FORMS) + ")")
"""Matches keys by their form, wherever they stand."""
_PLACED = (
    r"(?P<url>(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,20}://)(?:[^\s/@:'\"]*:[^\s/@'\"]+|[^\s/@:'\"]{16,})(?=@)",
    r"(?P<query>[?&][\w.-]*(?:key|token|secret|signature|sig|password|credential)=)[^\s&#'\"]+",
    r"(?P<scheme>\b(?:bearer|basic) +)(?=[^\s'\"]*\d)[\w.~+/=-]{12,}",
    r"(?P<header>\b(?:authorization|x-api-key|api-key)['\"]?\s*[:=]\s*['\"]?)(?!bearer |basic |\[key\])[^\s'\",}]{6,}",
    r"(?P<name>\b(?:\w{1,60}_)?(?:api_?key|access_?key|secret|password)['\"]?\s*[:=]\s*['\"]?)"
    r"(?=[^\s'\"]*\d)[^\s'\",;&}\[\]]{12,}",
)
PLACED = re.compile("|".join(_PLACED), re.IGNORECASE)
"""Matches keys by what stands before them, which is in the named groups."""
SECRET_NAME = re.compile(
    r"((api|access|secret|private|auth|account|subscription|service|master|admin|signing)[_-]?key(_id)?"
    r"|(?<!bos_)(?<!eos_)(?<!pad_)(?<!unk_)token|secret|passw(or)?d|passphrase|credentials?|authorization|bearer|[_.-]pat)$",
    re.IGNORECASE,
)
"""Matches names of settings and variables that hold keys."""
KEY_NAME = re.compile(r"(^|[._-])key$", re.IGNORECASE)
"""Matches names of settings that hold a key if their value looks like one, too."""
SHORTEST = 12
"""Values of variables are looked for everywhere only from this length, as shorter ones may be words by chance."""


def check_arguments(arguments: Iterable[str]) -> str:
    """Returns a message if a command line argument (`name=value`) looks like a key; empty if none does.

    The sentence holds the argument's name, never its value. No heavy import stands before this check.
    """
    for argument in arguments:
        name, _, value = argument.partition("=")
        if holds_key(argument) or PLACED.search(argument) or _named_so(name, value):
            return (
                f"{without_keys(name)}: this argument looks like a key, and arguments are written to disk. Put the key "
                "into an environment variable and give its name: ...api_key_env=NAME"
            )
    return ""


def check_for_keys(config: Mapping[Any, Any]) -> str:
    """Returns a message if a configuration holds a key, written out or read from the environment; else empty.

    The sentence holds the place, never the value: whatever looks like a key, has a key's name, or is what an
    environment variable with a key's name says.
    """
    known = keys_of_environment()
    for place, value in _texts(config):
        if _is_in(value, known) or _is_in(place, known) or PLACED.search(value) or _named_so(place, value):
            return (
                f"{without_keys(place)}: the value of this setting looks like a key, and the configuration is written "
                "to disk. Leave the key in an environment variable and give its name: ...api_key_env=NAME"
            )
    return ""


def holds_key(text: str) -> bool:
    """Whether a text holds something of a key's form, or the value of an environment variable with a key's name."""
    return _is_in(text, keys_of_environment())


def _is_in(text: str, known: Sequence[str]) -> bool:
    return KEY.search(text) is not None or any(key in text for key in known)


def without_keys(text: str, *known: str) -> str:
    """Returns the text with `[key]` in the place of known keys and of anything else that looks like one.

    Known are, beside those given, what environment variables with a key's name say. A key is known as well where a
    URL or JSON spells it in its own way.
    """
    for key in sorted({*(key for key in known if len(key) >= 6), *keys_of_environment()}, key=len, reverse=True):
        for spelled in dict.fromkeys((key, quote(key, safe=""), quote(key), json.dumps(key)[1:-1])):
            text = text.replace(spelled, "[key]")
    return PLACED.sub(_placed, KEY.sub("[key]", text))


def hide_keys(value: Any, *known: str) -> Any:
    """Returns plain data with `without_keys` applied to every text in it, keys of mappings included."""
    if isinstance(value, str):
        return without_keys(value, *known)
    if isinstance(value, Mapping):
        return {hide_keys(name, *known): hide_keys(part, *known) for name, part in value.items()}
    return [hide_keys(part, *known) for part in value] if isinstance(value, list) else value


def keys_of_environment() -> list[str]:
    """Returns the values of environment variables with a key's name, except paths of files."""
    named = (value for name, value in os.environ.items() if SECRET_NAME.search(name) or KEY_NAME.search(name))
    return [value for value in named if len(value) >= SHORTEST and not value.startswith(("/", "./", "~"))]


def _placed(found: re.Match[str]) -> str:
    return f"{found[found.lastgroup or 0]}[key]"


def _named_so(name: str, value: str) -> bool:
    """Whether a setting's name makes its value a key."""
    if value.strip().lower() in ("", "null", "none", "true", "false") or value.startswith("${"):
        return False
    long = len(value) >= 16 and re.search(r"\d", value) and not re.search(r"[\s{}\[\]]", value)
    return bool(SECRET_NAME.search(name) or (KEY_NAME.search(name) and long))


def _texts(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text and number in a configuration with the dotted place where it stands."""
    if isinstance(value, str | int | float):
        yield place, str(value)
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _texts(part, f"{place}.{name}".removeprefix("."))
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from _texts(part, f"{place}.{at}")


def wandb_key() -> bool:
    """Whether W&B can log in: a key in the environment or in ~/.netrc."""
    netrc = Path.home() / ".netrc"
    return bool(os.environ.get("WANDB_API_KEY")) or (netrc.is_file() and "wandb" in netrc.read_text(errors="ignore"))
