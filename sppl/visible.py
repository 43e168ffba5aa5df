"""Escapes invisible and control characters in texts from outside, so that they cannot affect a terminal."""

import re

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but for the tab and the line's end
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # directions, and no width
    "\ud800-\udfff\U000e0000-\U000e007f]"  # halves of characters, tags
)


def make_visible(text: str) -> str:
    r"""Returns the text with escapes (`\x1b`, `\u202e`) in the place of invisible and control characters."""
    return _HIDDEN.sub(_escape, text)


def on_one_line(text: str) -> str:
    """Returns the text escaped like `make_visible`, with line ends and tabs as blanks."""
    return make_visible(" ".join(text.split()))


def _escape(found: re.Match[str]) -> str:
    return ascii(found[0])[1:-1]
