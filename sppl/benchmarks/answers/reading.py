"""Where in a text the answer stands, and what all rules take for markup and for a remark."""

import re
import unicodedata
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

# Bounded repetitions only: these run over whatever a model wrote, so they must stay linear in its length.
_MARKUP = r"[*_~#\"'“”‘’$ \t]{0,6}"
_WHICH = r"(?:\([^()\n]{0,60}\)|(?:to|for|of) [^:.\n]{0,60}?)?"
_COLON = rf"(?:(?:is|are){_MARKUP})?(?:[:=]|[-–—→>]{{1,2}}[ \t]{{1,2}}){_MARKUP}"
FINAL = re.compile(
    rf"final[ \t_-]{{0,4}}answers?{_MARKUP}{_WHICH}{_MARKUP}{_COLON}"
    rf"|^{_MARKUP}(?:the |my )?final[ \t_-]{{0,4}}answer{_MARKUP}$"
    rf"|最[终終后後]答案{_MARKUP}[是为為]?{_MARKUP}:?{_MARKUP}",
    re.IGNORECASE | re.MULTILINE,
)
ANSWER = re.compile(
    rf"\b(?:antwort|réponse|respuesta|resposta|risposta|ответ|答え|正解|정답){_MARKUP}:{_MARKUP}"
    rf"|\b(?:answer{_MARKUP}(?:(?:is|should be|would be|must be)\b{_MARKUP}:?|[:=])|ans{_MARKUP}[:=]"
    rf"|(?:correct|right|best) (?:option|choice|answer)\b[^.\n]{{0,120}}?\bis\b{_MARKUP}:?){_MARKUP}"
    rf"|答案(?:应该|应|應該|應)?(?:[是为為选選]{_MARKUP}:?|{_MARKUP}:){_MARKUP}"
    r"|(?<![不没沒])[选選](?:择|擇)?[ :]{0,3}(?=[(\[]?[A-J1-9](?![A-Za-z0-9]))",
    re.IGNORECASE,
)
_BOX = re.compile(r"\\(?:boxed|fbox)[ \t]{0,2}\{")
_NOTE = re.compile(
    r"[\W_]{0,6}(?:(?:note|remark|n\.?b\.?|p\.?s\.?|explanation|reason|reasoning|justification|check|verification|hint"
    r"|disclaimer|注|注意|备注|備註|说明|說明|解释|解釋|理由)[*_\s]{0,4}[:,]|note that\b|n\.b\.|p\.s\.)",
    re.IGNORECASE,
)
_GOES_ON = re.compile(r"(?:or|and)\b|[或&/]", re.IGNORECASE)
_FENCE = re.compile(r"(?:`{3,}|~{3,})[\w+-]{0,20}$|\\(?:begin|end)\{\w{1,20}\*?\}$")
_FENCE_LINE = re.compile(r"^[ \t]{0,20}(?:`{3,9}|~{3,9})[\w+-]{0,20}[ \t]{0,20}$", re.MULTILINE)
_BULLET = re.compile(r"(?:[-*•‣◦–>][ \t]+)+")
_TAGS = re.compile(
    r"</(?:b|i|u)>|</?(?:em|strong|p|br|span|div|code|mark|center|big|box|ins|h[1-6])(?:\s[^<>\n]{0,80})?/?>",
    re.IGNORECASE,
)
_BOLD = re.compile(r"<([biu])>(?=[^<\n]{0,400}</\1>)", re.IGNORECASE)
_WRAPPED = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mathit|underline|mbox|bm|boldsymbol)\{([^{}]{0,400})\}")
_STRUCK = re.compile(r"~~[^~\n]{1,400}~~|<(?:s|del|strike)>[^<\n]{1,400}</(?:s|del|strike)>", re.IGNORECASE)
_EMPHASIS = re.compile(r"(?<![\w*)])(\*{1,3}|_{1,3}|={2})(?=[^\s*_=])([^*=\n]{0,400}?[^\s*=])\1(?!\w)")
_AROUND = " \t*_~`\"'“”‘’«»「」『』【】$"


def plain(text: str) -> str:
    """The text without invisible characters, HTML tags and emphasis, full-width and circled signs as ordinary ones.

    What is struck out (`~~41~~`) is no part of it.
    """
    text = re.sub(r"<answer>", "\nAnswer: ", text, flags=re.IGNORECASE)
    text = _TAGS.sub("", _BOLD.sub("", re.sub(r"</answer>", "\n", text, flags=re.IGNORECASE)))
    text = _EMPHASIS.sub(r"\2", _STRUCK.sub("", _FENCE_LINE.sub("", text))).replace("`", "")
    return text if text.isascii() else text.translate(_PLAIN)


def _ordinary(code: int) -> str:
    if unicodedata.category(chr(code)) == "Cf":
        return ""
    return " " if unicodedata.category(chr(code)) == "Zs" else unicodedata.normalize("NFKC", chr(code))


_SPANS = ((0x2000, 0x200F), (0x202A, 0x202F), (0x205F, 0x2064), (0x2460, 0x24E9), (0xFF01, 0xFF5E), (0x1D400, 0x1D7FF))
"""Spaces and marks of direction, circled signs, full-width signs, letters and digits of mathematics."""

_PLAIN = str.maketrans(
    {
        code: _ordinary(code)
        for code in (0xA0, 0xAD, 0x3000, 0xFEFF, *(code for first, last in _SPANS for code in range(first, last + 1)))
    }
)


def after_last(mark: re.Pattern[str], text: str) -> str | None:
    """What follows the last occurrence of a mark, None where it does not occur."""
    end = None
    for found in mark.finditer(text):
        end = found.end()
    return None if end is None else text[end:]


def lines(text: str) -> list[str]:
    """The lines that hold more than white space and fences, trimmed."""
    return [line.strip() for line in text.splitlines() if line.strip() and not _FENCE.match(line.strip())]


@dataclass(frozen=True)
class Part:
    """Where the answer stands: its lines, the likeliest first, and what said so."""

    lines: list[str]
    mark: Literal["final", "boxed", "answer", "none"]


def answer_part(text: str) -> Part:
    r"""What follows the last "Final Answer:", else what the last `\boxed{}` holds, else what follows a weak mark.

    Weak marks are "answer:", "answer is" and "correct option is". Without any mark it is the text's lines from the
    last, notes left out.
    """
    part, mark = after_last(FINAL, text), "final"
    if part is None:
        part, mark = last_boxed(text), "boxed"
    if part is None:
        part, mark = after_last(ANSWER, text), "answer"
    if part is None:
        return without_marks(text)
    found = lines(part)
    own = 0 if part[:1] in {"\n", "\r"} else 1  # what stands on the mark's own line opens no list
    found = found[:own] + [unlisted(line) for line in found[own:]]
    further = len(list(takewhile(_GOES_ON.match, found[1:])))  # "B", and below it "or C"
    return Part([" ".join(found[: further + 1]), *found[further + 1 :]] if found else [], mark)


def without_marks(text: str) -> Part:
    """A text's lines from the last, notes left out."""
    found = [unlisted(line) for line in lines(text)[::-1]]
    return Part([line for line in found if not is_note(line)] or found, "none")


def answer_line(text: str) -> str:
    """The line that holds the answer, what a box in it holds in its place; empty if there is none.

    Lines without a letter or digit count only where there is no other. A mark with nothing after it is an empty answer.
    """
    found = answer_part(plain(text)).lines
    line = next((line for line in found if any(map(str.isalnum, line))), found[0] if found else "")
    box = last_boxed(line)
    return line if box is None else box


def unlisted(line: str) -> str:
    """A line without the bullet of a list before it."""
    return _BULLET.sub("", line)


def is_note(line: str) -> bool:
    """Whether a line only remarks on an answer given elsewhere: "Note: ...", "(I used three steps.)"."""
    within = line.strip(_AROUND + ".")
    aside = within[:1] == "(" and within[-1:] == ")" and within.count(" ") > 1 and not {*"()"} & {*within[1:-1]}
    return aside or opens_note(line)


def opens_note(line: str) -> bool:
    """Whether a line begins a remark: "Note: ...", "Explanation: ..."."""
    return _NOTE.match(line) is not None


def last_boxed(text: str) -> str | None:
    r"""What the last `\boxed{...}` holds, with braces inside it counted, None where there is none or it never ends.

    Empty where the same sentence boxes something else as well.
    """
    *before, last = [None, *_BOX.finditer(text)]
    if last is None:
        return None
    inner = _braced(text, last.end())
    if inner is not None and before and (other := before[-1]):
        first = _braced(text, other.end())
        if first is not None and first.strip() != inner.strip():
            between = text[other.end() + len(first) : last.start()]
            return inner if re.search(r"[\n.!?;]", between) else ""
    return inner


def _braced(text: str, start: int) -> str | None:
    depth = 1
    for end in range(start, min(len(text), start + 4000)):
        depth += (text[end] == "{") - (text[end] == "}")
        if depth == 0:
            return text[start:end]
    return None


def bare(line: str) -> str:
    r"""A line without the markup around it: emphasis, quotes, LaTeX's delimiters, `\boxed` and `\text`, a full stop."""
    for _ in range(6):
        before, line = line, line.strip(_AROUND).removesuffix(".").removesuffix("。")
        line = re.sub(r"^\\[(\[]\s*|\s*\\[)\]]$|^\\displaystyle\s*", "", line)
        wrapped = _WRAPPED.fullmatch(line)
        line = wrapped[1] if wrapped else line
        if line == before:
            break
    return line.strip(_AROUND)
