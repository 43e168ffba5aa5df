"""Classifies a server's errors: temporary, about this request, or the same for every request.

The words are those of OpenAI's and Anthropic's error codes and of servers that speak OpenAI's language. An error that
nothing here knows concerns its own request, or passes where its status says that the server is at fault.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sppl.teachers.endpoint import Endpoint
from sppl.teachers.teacher import NONE, NoAnswer, Refused, Rejected, Tokens, Transient

PATIENCE = 600.0
"""Seconds: where a server asks for a longer wait, the command ends instead."""

MONEY_CODE = re.compile(
    r"insufficient_(quota|balance|credit|fund)|billing|spend(ing)?_limit|payment_required|exceeded_current_quota"
    r"|arrear|credit_balance|out_of_credit|insufficientbalance|budget_?exceeded|exceeded_?budget",
)
MONEY_SAID = re.compile(
    r"credit balance|(insufficient|not enough|no|out of|used all|any|more) (available |account |remaining )?"
    r"(credits?\b|funds\b|balance\b|quota\b)|billing (hard|soft) limit|payment required|spending limit|in arrears"
    r"|(credits?|funds|balance|budget)( limit)?( (is|are|has been|have been|was))? "
    r"(too low|not enough|insufficient|depleted|exhausted|exceeded|used up|empty)|(over|exceeded).{0,20}\bbudget"
    r"|not in good standing|余额不足|欠费|额度(不足|已用)",
)
QUOTA_SAID = re.compile(
    r"exceeded your (current|monthly) (quota|usage)|quota( (is|has been))? (exhausted|exceeded|used up)"
    r"|quota_exhausted|usage limits?\b|(/|per|a) month\b|monthly (limit|quota|usage)"
)
RETRY_SAID = re.compile(r"(retry|try again) (in|after) |per (second|minute|min\b)")
KEY_CODE = re.compile(
    r"invalid_api_key|authentication|account_(deactivated|disabled|suspended)|organization_on_hold"
    r"|invalid_organization|invalid_project|unsupported_country|access_terminated|ip_not_authorized|cmek"
)
KEY_SAID = re.compile(
    r"(incorrect|invalid|missing|expired|no) api key"
    r"|api key (is |was |has )?(not valid|not found|invalid|expired|disabled|missing|revoked)"
    r"|\b(account|organi[sz]ation|project|team|workspace)\b.{0,40} (is|has been|was) "
    r"(suspended|disabled|deactivated|blocked|locked|terminated|closed)\b"
)
MODEL_CODE = re.compile(r"model_(not_found|not_available|decommissioned|deprecated)|deploymentnotfound|invalid_model")
MODEL_SAID = re.compile(
    r"(invalid|unknown|no such|not a valid) model\b|no model (named|called)\b"
    r"|\bmodel (identifier|name|id) is (invalid|unknown)|\bmodel\b.{0,120}(does not exist|doesn't exist|not found"
    r"|not exist\b|is not a valid|(been|is) (deprecated|decommissioned|retired)|no longer (available|supported))",
)
CONTENT = re.compile(
    r"moderation|flagged|content[_ ](policy|filter|management)|usage (policy|policies|guidelines)|safety"
)
FIELD_CODE = re.compile(r"unsupported_(parameter|value)|unknown_parameter")
PASSING_CODE = re.compile(r"rate_limit|overloaded|server_error|api_error|timeout|ramp_limit|unavailable")
"""Matches temporary errors that come without a status."""
OWN_PART = re.compile(r"messages|prompt|input|content|context", re.I)
"""A `param` like this is the request's own; any other one is the same in every request."""
AGAIN = {408, 409, 425, 429}
HOPELESS = {401, 402, 403, 404, 405, 407, 410, 426, 451, 501, 505}


@dataclass(frozen=True)
class ErrorBody:
    """The body of an error: its message, its codes (lower case, separated by blanks), the field it is about."""

    message: str
    codes: str = ""
    param: str = ""
    status: int = 0
    """The HTTP status in the body; 0 for none."""


def read_error(body: Any) -> ErrorBody:
    """Reads an error's body in any usual form: an object or text under `error`, `detail` or `message`, or a text."""
    if isinstance(body, str):
        return ErrorBody(_short(body))
    while isinstance(body, list) and body and isinstance(body[0], Mapping):
        body = body[0]
    if not isinstance(body, Mapping):
        return ErrorBody(_short(json.dumps(body, default=str)))
    inner = next((body[name] for name in ("error", "errors", "detail") if body.get(name)), body)
    while isinstance(inner, list) and inner:
        inner = inner[0]
    if not isinstance(inner, Mapping):
        return ErrorBody(_short(str(inner)), status=_status(body))
    message = next((inner[name] for name in ("message", "msg", "detail", "error") if inner.get(name)), None)
    codes = " ".join(dict.fromkeys(_codes(inner))).lower()
    param = inner.get("param") or _place(inner.get("loc"))
    said = _short(message if isinstance(message, str) else json.dumps(inner, default=str, ensure_ascii=False))
    return ErrorBody(said, codes, param if isinstance(param, str) else "", _status(inner) or _status(body))


def classify_error(
    status: int, said: ErrorBody, teacher: Endpoint, *, wait: float | None = None, tokens: Tokens | None = NONE
) -> NoAnswer:
    """Returns the exception for a server's error.

    Args:
        status: the HTTP status; 0 for an error in the body of an answer.
        said: the body of the error.
        teacher: its settings are named in the advice.
        wait: seconds the server asks for.
        tokens: tokens that were read and written nevertheless.
    """
    where = teacher.group
    words = said.message.lower()
    why = f"{status}: {said.message}" if status else said.message
    if said.codes and not all(code in words for code in said.codes.split()):
        why += f" ({said.codes})"
    if status == 402 or MONEY_CODE.search(said.codes) or MONEY_SAID.search(words) or _quota(words, wait):
        return Refused(f"{why}. Its account needs credit, or a higher limit, at the provider's", tokens=tokens)
    if status in (401, 407) or KEY_CODE.search(said.codes) or KEY_SAID.search(words):
        held = f"{where}.api_key_env={teacher.api_key_env or 'null'}"
        return Refused(f"{why}. Look at the key: {held}", tokens=tokens)
    if CONTENT.search(words) and status in (0, 400, 403, 422):
        return Rejected(why, tokens=tokens)
    if status in (0, 400, 404, 410, 422) and (MODEL_CODE.search(said.codes) or MODEL_SAID.search(words)):
        return Refused(f"{why}. Give another one: {where}.model=MODEL", tokens=tokens)
    if status in (301, 302, 303, 307, 308):
        return Refused(
            f"{why}. It sends us to another address, where the key would go too; if that is right, give it: "
            f"{where}.base_url=URL",
            tokens=tokens,
        )
    if status in (404, 405):
        return Refused(f"{why}. Look at {where}.base_url and {where}.model", tokens=tokens)
    if status in HOPELESS:
        return Refused(why, tokens=tokens)
    if status in AGAIN or status >= 500 or (not status and (PASSING_CODE.search(said.codes) or not said.codes)):
        if wait is not None and wait > PATIENCE:
            return Refused(f"{why}. It asks to be left alone for {_spoken(wait)}; come back then", tokens=tokens)
        return Transient(why, wait=wait, crowded=status in (429, 529), tokens=tokens)
    if _about_every_request(said, words, teacher.fields):
        about = f" (the field {said.param})" if said.param else ""
        return Refused(f"{why}{about}. What every request holds is set by {where}.request", tokens=tokens)
    return Rejected(why, tokens=tokens)


def _about_every_request(said: ErrorBody, words: str, fields: Collection[str]) -> bool:
    """Whether an error is about a field that is the same in every request, and not about a prompt's length."""
    if "context" in words or "too long" in words:
        return False
    first = re.match(r"\W*(\w+)", words)
    quoted = re.findall(r"[`'\"](\w+)[`'\"]", words)
    named = bool(first and first[1] in fields) or any(word in fields for word in quoted)
    return named or bool(FIELD_CODE.search(said.codes) or (said.param and not OWN_PART.search(said.param)))


def _place(loc: Any) -> str:
    """The field that a validator's path leads to: `foo` of ["body", "foo", 0]."""
    return str(loc[1]) if isinstance(loc, list) and len(loc) > 1 and loc[0] == "body" else ""


def _quota(words: str, wait: float | None) -> bool:
    """Whether a quota is used up for good, and not a limit per minute, for which servers tell a wait."""
    return bool(QUOTA_SAID.search(words)) and wait is None and not RETRY_SAID.search(words)


def _codes(error: Mapping[str, Any]) -> Iterator[str]:
    """The machine-readable words of an error, those of its details too."""
    for name in ("code", "type", "status", "error_code"):
        if isinstance(error.get(name), str):
            yield "_".join(error[name].split())
    for name in ("details", "metadata"):
        if isinstance(error.get(name), Mapping):
            yield from _codes(error[name])


def _status(error: Mapping[str, Any]) -> int:
    for name in ("code", "status", "status_code"):
        value = error.get(name)
        if isinstance(value, int | str) and re.fullmatch(r"[45]\d\d", str(value)):
            return int(value)
    return 0


def _short(text: str) -> str:
    return " ".join(text.split())[:300] or "no reason given"


def _spoken(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} hours" if seconds >= 5400 else f"{seconds / 60:.0f} minutes"
