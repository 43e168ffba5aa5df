"""Whether a line offers several answers, or denies one: "A or B", "3, 4", "(A)(B)", "not B", "B is wrong"."""

import re

_JOINED = re.compile(
    r"(?:[\s,;:/&|+~*.?!%\d()\[\]{}\"'、`>→–—-]|\b(?:or|and|nor|either|both|maybe|perhaps|possibly|probably|also|plus|then|but"
    r"|could|might|may|can|be|it|is|as well as|as well|even|alternatively|otherwise|else|vs|versus|equally|likely"
    r"|the|an?|to|through|until|till|up|options?|choices?|answers?|labels?|letters?|numbers?)\b|还是|或者?|以及|[和與与及到至]){0,40}",
    re.IGNORECASE,
)
_OFFERED = re.compile(
    r"[,/&|+?]|\b(?:or|and|maybe|perhaps|possibly|probably|also|plus|could|might|may|either|both|alternatively)\b|[或和与與及]",
    re.IGNORECASE,
)
_MORE_WORDS = re.compile(r"[)\]}*\"'\s]{0,4}[^\W\d_]{2}|[)\]}*\"'\s]{0,4}[a-z]")
_DENIED = re.compile(
    r"(?:\b(?:not|never|hardly|barely|far from|no longer|anything but|neither|nor|no"
    r"|cannot|non|without|except|excluding|unlike|than|instead of"
    r"|(?:is|are|was|wo|do|does|did|ca|could|would|should)n[’']?t)\b|[不非][是选選]?)"
    r"(?:[\s(\[*_`\"'-]|\b(?:the|an?|be|it|is|think|believe|say|really|at all|necessarily|entirely|correct|right|option"
    r"|choice|answer|label|letter)\b){0,8}$",
    re.IGNORECASE,
)
_REFUTED = re.compile(
    r"[)\]*_`\"'\s]{0,6}(?:(?:is|are|was|were|seems|looks|must be|has to be)\b\s?(?:[a-z]{2,12}ly |also |thus )?"
    r"(?:wrong|incorrect|false|not|out|eliminated|ruled out|excluded|impossible|untrue)\b"
    r"|(?:isn|aren|wasn|can|doesn|won)[’']?t\b|cannot\b|do(?:es)? not\b|don[’']?t\b|不[是对對]|错|錯)",
    re.IGNORECASE,
)


def joins(between: str) -> bool:
    """Whether what stands between two answers makes them a list or a choice: "A or B", "3, 4", "(A)(B)"."""
    return _JOINED.fullmatch(" ".join(between.split())) is not None


def are_listed(line: str, end: int, second: tuple[int, int]) -> bool:
    """Whether the answer that ends at a place and a second one are both offered.

    "A or B", "A (or B)", "(A)(B)" and "yes, no" are; in "B. A is wrong" a new sentence is about the second.
    """
    between = line[end : second[0]]
    about = re.search(r"[.:;(—–]|\s-\s", between) and not _OFFERED.search(between)
    return joins(between) and not (about and _MORE_WORDS.match(line, second[1]))


def denied(line: str, start: int, end: int) -> bool:
    """Whether the line says that what stands at this place is not the answer: "not B", "B is wrong"."""
    return _DENIED.search(line, max(0, start - 60), start) is not None or _REFUTED.match(line, end) is not None
