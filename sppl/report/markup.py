"""Builds HTML from plain data; every text is escaped unless it is `Markup`."""

from html import escape

from sppl.visible import make_visible


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str) -> Markup:
    """Returns one element; plain strings are escaped, and underscores in attributes (`class_`, `data_sort`) adapted."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(make_visible(value))}"'
        if value
        else f" {key.rstrip('_').replace('_', '-')}"
        for key, value in attributes.items()
    )
    return Markup(f"<{name}{given}>{join_markup(*children)}</{name}>")


def join_markup(*parts: str) -> Markup:
    """Returns the parts joined, plain strings escaped."""
    return Markup("".join(part if isinstance(part, Markup) else escape(make_visible(str(part))) for part in parts))


def bullet_list(lines: list[str]) -> Markup:
    """Returns a list with a bullet per line; nothing without lines."""
    return element("ul", *(element("li", line) for line in lines)) if lines else Markup("")
