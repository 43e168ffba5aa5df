"""The number that a sentence gives as its answer, of all the numbers in it."""

import re
from itertools import pairwise

from sppl.benchmarks.answers.arithmetic import value
from sppl.benchmarks.answers.reading import is_note
from sppl.benchmarks.answers.several import joins
from sppl.benchmarks.answers.terms import Term, is_range, terms

AMBIGUOUS = ""
"""What a sentence gives that names several numbers, or one that cannot be read."""

_ASIDE = re.compile(r"(\s*)[(\[]([^()\[\]]{0,400})(?:[)\]]|$)|(?<=[A-Za-z])(\s+)\{([^{}]{0,400})\}")
_UNKNOWN = re.compile(
    r"[\W_]*(?:the answer |the number |it |this |that )?(?:is |are )?(?:unknown|undetermined|undefined|unclear"
    r"|impossible|insufficient|not enough|n/a|i don['’]?t know|i do not know|(?:i |we )?(?:can ?not|can['’]t) (?:be "
    r"|say|tell|know|determine|answer|solve|calculate|compute|give))",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^\d\s])|(?<=[。!?])")
_EXPLAINED = re.compile(
    r"\s*(?:,\s*)?(?:\b(?:because|since|as (?:in|there|each|he|she|it|they)|due to|which|given that|i\.e\.|namely"
    r"|based on|computed|calculated|rounded)\b|因为|因為|由于|由於).*",
    re.IGNORECASE,
)
_ELSE = re.compile(r"[\W_]{0,4}(?:or|maybe|perhaps|possibly|alternatively|wait)\b|[\W_]{0,4}或", re.IGNORECASE)
_ASSIGNED = re.compile(  # "x = 3, y = 4"
    r"=[^=,;]{0,40}(?:[,;、]|\b(?:and|or)\b)[\s,]{0,3}(?!(?:so|thus|hence|then|therefore)\b)[A-Za-z][\w ]{0,20}=[^=]*$",
    re.IGNORECASE,
)
_IN_WORDS = re.compile(r"[+×*]|\b(?:plus|times)\b")
_LEAD = re.compile(
    r"(?:[^A-Za-z\d]|\b(?:is|it|its|about|approximately|approx|exactly|roughly|around|only|just|nearly|an?|the|total|of"
    r"|answer|so|thus|therefore|equals?|to|they|there|are|was|were|[xyn]|final|result|number|value)\b){0,40}",
    re.IGNORECASE,
)
_SAYS = re.compile(r"\b(?:is|are|was|equals?|makes|gives|leaves)\b", re.IGNORECASE)
_UNIT = re.compile(
    r"\s{0,3}(?!(?:in|for|of|per|from|with|after|on|at|by|over|within|during|each|every|out|left|more|less|than|when"
    r"|while|before|until|around|across|if)\b)[A-Za-z'\"°]{1,20}\.?(?=[\s,;/&+-]|$)"
)


def number_in(line: str, *, last: bool) -> str | None:
    """The number of a line's first sentence that has one, or of its last; None where no sentence has.

    `AMBIGUOUS` where the sentence lists several numbers or gives one that cannot be read. What stands in brackets
    behind a number or after "because" explains it and does not count; of "a = b" the right side does. A number that
    opens the sentence beats those behind it, else the last one counts.

    Args:
        line: spelled as `numerals.western` does.
        last: whether the last sentence is meant.
    """
    sentences = [part for part in _SENTENCE_END.split(line) if part]
    for at in reversed(range(len(sentences))) if last else range(len(sentences)):
        found = _of_sentence(sentences[at])
        if found is None or (at and is_note(sentences[at])):
            continue
        after = sentences[at + 1] if at + 1 < len(sentences) else ""
        return AMBIGUOUS if _ELSE.match(after) and any(terms(after)) else found
    return None


def _of_sentence(sentence: str) -> str | None:
    if _UNKNOWN.match(sentence):
        return AMBIGUOUS
    sentence, other = _without_asides(sentence)
    if other or _ASSIGNED.search(sentence):
        return AMBIGUOUS
    explained = _EXPLAINED.search(sentence)
    if explained and any(map(str.isdigit, sentence[: explained.start()])):
        sentence = sentence[: explained.start()]
    summed = False
    for piece in reversed(sentence.split("=")):
        found = list(terms(piece))
        if found and not any(_IN_WORDS.search(piece[a.end : b.start]) for a, b in pairwise(found)):
            return _chosen(piece, found)
        summed = summed or bool(found)  # "3 boys + 3 girls" is a sum without its value
    return AMBIGUOUS if summed else None


def _chosen(piece: str, found: list[Term]) -> str:
    opens = _LEAD.fullmatch(piece, 0, found[0].start) is not None and not is_range(found[0].written)
    first, second = (found[0], found[1 % len(found)]) if opens else (found[-2 % len(found)], found[-1])
    chosen = first if opens else second
    if chosen.value is None or (not first.equals(second) and _listed(piece[first.end : second.start])):
        return AMBIGUOUS
    return chosen.written


def _listed(between: str) -> bool:
    """Whether two numbers are a list, a choice or one quantity in two units: "3 or 4", "5 hours and 30 minutes"."""
    if _SAYS.search(between) or ":" in between:
        return False
    unit = _UNIT.match(between)
    return joins(between) or (unit is not None and joins(between[unit.end() :]))


def _without_asides(sentence: str) -> tuple[str, bool]:
    """The sentence without the remarks in brackets behind a number, and whether one of them offers another number."""
    for _ in range(20):
        for aside in _ASIDE.finditer(sentence):
            before, inner = sentence[: aside.start()], aside[2] or aside[4] or ""
            if not any(map(str.isdigit, before)) or not _explains(
                before, aside[1] or aside[3] or "", inner, sentence[aside.end() :]
            ):
                continue
            known = list(terms(before))[-1:]
            if _ELSE.match(inner) and any(not any(map(one.equals, known)) for one in terms(inner)):
                return sentence, True
            sentence = before + " " + sentence[aside.end() :]
            break
        else:
            break
    return sentence, False


def _explains(before: str, space: str, inner: str, after: str) -> bool:
    """Whether a bracket explains the number before it, and is no part of an expression."""
    if re.search(r"[A-Za-z]{2}|[^\W\dA-Za-z_]", re.sub(r"\\[a-z]+|\bpi\b|π|√", "", inner)):
        return True
    in_expression = re.search(r"[-+*/×·^=({]\s*$|\\[a-z]+$|}$", before) or re.match(r"\s*[-+*/×·^]", after)
    if in_expression or (not space and before.endswith(".")):
        return False
    number = re.search(r"[\d.]+$", before)
    return bool(space) or (number is not None and value(number[0]) == value(inner))
