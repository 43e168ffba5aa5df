"""Fits prompts and responses into the target's context: leaves some out or shortens them, and counts those."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sppl.prompts import Context
from sppl.schemas import UserError
from sppl.scoring.request_builder import ResponseInContext
from sppl.scoring.requests import ScoringRequest
from sppl.scoring.scoring_settings import Scoring

LEAST = 2
"""Tokens that a shortened prompt keeps at least: its first and one more."""


@dataclass(frozen=True)
class FittedResponses:
    """The responses that fit, and the ids of questions that were left out or shortened."""

    responses: tuple[ResponseInContext, ...]
    left_out: tuple[str, ...] = ()
    fewer_examples: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()

    @property
    def facts(self) -> dict[str, object]:
        """Facts for the provenance; empty where everything fitted."""
        lists = {"left_out": self.left_out, "fewer_examples": self.fewer_examples, "cut": self.cut}
        count = sum(map(len, lists.values()))
        found: dict[str, object] = {"overlong": count} if count else {}
        return found | {key: list(ids) for key, ids in lists.items() if ids}


def prompt_rooms(asked: Iterable[Sequence[ResponseInContext]], limit: int) -> dict[str, int]:
    """Returns per question how many tokens its prompt may have so that every strategy's response fits after it.

    A response that fits behind no prompt does not count: its question is left out.

    Args:
        asked: the responses of each strategy, in one context.
        limit: the tokens that the target can read.
    """
    found: dict[str, int] = {}
    for responses in asked:
        for one in responses:
            room = limit - max(_length(request) - len(one.prompt) for _, request in one.requests)
            if room >= min(LEAST, len(one.prompt)):
                found[one.example_id] = min(room, found.get(one.example_id, room))
    return found


def fit_responses(
    asked: Mapping[tuple[str, Context], Sequence[ResponseInContext]], limit: int | None, scorer: Scoring
) -> dict[tuple[str, Context], FittedResponses]:
    """Returns the responses of each strategy and context that fit; prompts have been shortened before.

    Raises:
        UserError: something does not fit and `overlong` is `error`, or nothing does (a race goes on to its next batch).
    """
    found: dict[tuple[str, Context], FittedResponses] = {}
    over: list[tuple[int, str]] = []
    for (name, context), responses in asked.items():
        kept, left_out = list[ResponseInContext](), list[str]()
        for one in responses:
            longest = max(_length(request) for _, request in one.requests)
            if limit is None or longest <= limit:
                kept.append(one)
            else:
                left_out.append(one.example_id)
                over.append((longest, f"{one.example_id} of {name} in the context {context.name}"))
        shortened = {
            how: tuple(one.example_id for one in kept if one.shortened == how) for how in ("fewer_examples", "cut")
        }
        found[name, context] = FittedResponses(tuple(kept), tuple(left_out), **shortened)
    if over and scorer.overlong == "error":
        total = sum(map(len, asked.values()))
        raise UserError(
            f"{len(over)} of {total} prompts with response are longer than the target's {limit} tokens; the longest is "
            f"{max(over)[1]} with {max(over)[0]}. scorer.overlong=skip leaves such questions out for all strategies, "
            "scorer.overlong=truncate_left shows fewer own answers and then cuts the question; or take a target with a "
            "longer context"
        )
    if over and scorer.budget == "fixed" and not any(one.responses for one in found.values()):
        raise UserError(f"nothing fits into the target's {limit} tokens; take a target with a longer context")
    return found


def _length(request: ScoringRequest) -> int:
    return len(request.prefix) + len(request.response)


def overlong_notes(facts: Iterable[Mapping[str, Any]]) -> list[str]:
    """Returns the notes for tables on questions that were left out or shortened, from provenances."""
    found: dict[str, set[str]] = {}
    for fact in facts:
        for key in ("left_out", "fewer_examples", "cut"):
            found.setdefault(key, set()).update(fact.get(key, ()))
    told = {
        "left_out": "left out: too long for the target",
        "fewer_examples": "shown fewer own answers, alike for all strategies: too long for the target",
        "cut": "without their beginning, alike for all strategies: too long for the target",
    }
    return [f"{len(found[key])} questions {words}" for key, words in told.items() if found.get(key)]


def nothing_left_error(missing: Iterable[tuple[str, str]], scorer: Scoring) -> UserError:
    """Returns the error that names the strategies without any response that fits, and the contexts.

    Args:
        missing: strategies and the names of their empty tables.
        scorer: the settings of scoring.
    """
    found: dict[str, list[str]] = {}
    for name, table in missing:
        found.setdefault(name, []).append(table)
    if scorer.overlong == "error":  # what does not fit was refused before anything was scored
        gone = "; ".join(f"{name}: {', '.join(tables)}" for name, tables in found.items())
        return UserError(f"tables were removed while this command ran ({gone}); run it again, they are made anew")
    said = "; ".join(f"{name}: none fits ({', '.join(tables)})" for name, tables in found.items())
    return UserError(
        f"scorer.overlong={scorer.overlong} leaves some strategies no response, so they cannot be compared: {said}. "
        "Leave them out of `strategy`, shorten their responses, or take a target with a longer context"
    )
