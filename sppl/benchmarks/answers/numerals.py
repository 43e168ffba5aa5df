r"""How numbers are spelled, written one way: digits of any script, separators of thousands, minus signs, LaTeX, words.

Read as one number: `1,234,567`, `1 234 567` (any kind of space), `1'234'567`, `1_234_567`, `1.234.567`, `1.234,5`,
`12,34,567`, `9{,}500`, `9\,500`. Read as no number: `7,5` and `1,23`, which may be decimals or slips.
"""

import re
import unicodedata

SCALES = {
    **{"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12},
    **{"百": 100, "千": 1000, "万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8},
}
"""Words that multiply the number before them."""

_SIGNS = {
    **dict.fromkeys("‐‑‒–—―−﹣－", "-"),
    **dict.fromkeys("’ʼ‘′´", "'"),
    **dict.fromkeys("€£¥₹₽₩₪฿₫₴₦¢＄￥￡元円", "$"),
    **dict.fromkeys("≈≃≅⇒→⟹", "="),
    **{"٫": ".", "٬": ",", "％": "%", "٪": "%", "⁄": "/", "∕": "/", "÷": "/", "✕": "×", "⋅": "·"},
    **{"（": " (", "）": ")"},
}
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_TEXT = r"\\(?:text|textbf|textit|mathrm|mathbf|mathit|underline|mbox|bm|boldsymbol|operatorname|num)"
_PARTS = {2: "halves", 3: "thirds?", 5: "fifths?", 6: "sixths?", 8: "eighths?", 10: "tenths?"}
_RULES = tuple(
    (re.compile(pattern), written)
    for pattern, written in (
        # GSM8K's calculator marks, LaTeX
        (r"<<[^<>\n]{0,200}>>", ""),
        (rf"{_TEXT}\{{\s*([-+$]?[\d.][^{{}}]{{0,60}})\}}", r"\1"),
        (rf"{_TEXT}\{{[^{{}}]{{0,80}}\}}\s?(?:\^\{{?-?\d{{1,2}}\}}?)?", " "),
        (r"\\(?:left|right|displaystyle|quad|qquad)(?![a-zA-Z])|\\[,;:!()\[\] ]", " "),
        (r"\^\{?\\circ\}?|\\degree|°|\\(?:pounds|euro|yen)(?![a-z])|(?<=[A-Za-z])\^\{?-?\d{1,2}\}?", " "),
        (r"\\(?:approx|doteq|simeq|cong|to|implies|[Rr]ightarrow)(?![a-zA-Z])|[=-]{1,2}>", "="),
        (r"\\(?:leq?|geq?|neq?|lt|gt)(?![a-z])|[≤≥≠]", "<"),
        (r"\\pm(?![a-z])", "±"),
        (r"\\[lc]?dots(?![a-z])|…", "..."),
        (r"\\([%$#&])", r"\1"),
        (r"\\[dtc]frac(?![a-z])", r"\\frac"),
        # money, signs and words
        (r"(?<=\d)(?:M|\s?mn|\s?mio)\b", " million"),
        (r"(?<=\d)(?:B|\s?bn)\b", " billion"),
        (r"(?<=\d)\s?k\b|(?<=\d)K\b", " thousand"),
        (r"(?<![\w.])(?:minus|negative)\s(?=\$?\s?[\d.])|[负負]\s?(?=[\d.])", "-"),
        (r"(?<![\w)])-\s?\$\s?(?=[\d.])", "-"),
        (r"\$|\b(?:USD|EUR|GBP|US|Rs\.?)(?=\s?\d)", " "),
        (r"(?<=\d)\s?(?:percent|per cent|pct)\b", "%"),
        (r"(?<![\d./])(\d{1,20}) and (?:a|one) half\b", r"(\1+1/2)"),
        (r"(?<![\d./])(\d{1,20}) and (?:a|one) quarter\b", r"(\1+1/4)"),
        *((rf"(?<=\d) {word}\b", f"/{n}") for n, word in _PARTS.items()),
        # what stands between digits
        (r"(?<=\d)\s?[eE]([+-]?\d{1,2})(?![\w.])", r"×10^{\1}"),
        (r"(?<=[\d)])\s?[xX]\s?(?=[\d(])", "×"),
        (r"(?<![\d./^])(\d{1,20}) {1,2}(?:and )?(\d{1,20}/\d{1,20})(?![\d/.])", r"(\1+\2)"),
    )
)
_LATEX_GROUPS = re.compile(r"(?<=\d)(?:\{,\}|\{?\\[,;:! ]\}?|~|\\text\{,\})(?=\d{3}(?!\d))")
_GROUPS = re.compile(r"(?<![\d.,'_])\d{1,3}(?:([ ,.'_])\d{3})(?:\1\d{3})*([.,]\d{1,20})?(?!\d)")
_INDIAN = re.compile(r"(?<![\d.,])\d{1,2}(?:,\d{2}){1,10},\d{3}(?![\d,])")


def western(text: str) -> str:
    """The text with its numbers spelled as `-1234.5`, `(3+1/2)`, `1.5×10^{3}` and `50%`, without units in LaTeX."""
    if not text.isascii():
        text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]{1,4}", lambda raised: f"^{{{raised[0].translate(_RAISED)}}}", text)
        text = "".join(map(_ascii, text))
    text = ungrouped(text)
    for pattern, written in _RULES:
        text = pattern.sub(written, text)
    return text


def ungrouped(text: str) -> str:
    """The text with its numbers in one piece, whatever parts their thousands."""
    return _GROUPS.sub(_joined, _INDIAN.sub(lambda found: found[0].replace(",", ""), _LATEX_GROUPS.sub(",", text)))


def _ascii(character: str) -> str:
    if character.isascii():
        return character
    if character in _SIGNS:
        return _SIGNS[character]
    kind = unicodedata.category(character)
    if kind == "Nd":
        return str(unicodedata.decimal(character))
    if kind in {"Zs", "Cf"}:
        return " " if kind == "Zs" else ""
    parts = unicodedata.decomposition(character).split()
    if parts[:1] == ["<fraction>"]:
        return " " + "".join(chr(int(part, 16)) for part in parts[1:]).replace("⁄", "/")
    return chr(ord(character) - 0xFEE0) if "！" <= character <= "～" else character


def _joined(found: re.Match[str]) -> str:
    """A grouped number without its separators; as it stands where they may mean something else."""
    separator, rest = found[1], found[2] or ""
    whole = found[0].removesuffix(rest)
    one_dot = separator == "." and whole.count(".") == 1
    if rest[:1] == separator or (one_dot and not rest) or (rest[:1] == "," and len(rest) > 3):
        return found[0]
    return whole.replace(separator, "") + rest.replace(",", ".")
