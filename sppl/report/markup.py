"""HTML from plain data: text is escaped unless it was made here."""

from html import escape

from sppl.visible import make_visible


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str) -> Markup:
    """One element with its children; a plain string is escaped, `class_` and `data_sort` lose their underscores."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(make_visible(value))}"'
        if value
        else f" {key.rstrip('_').replace('_', '-')}"
        for key, value in attributes.items()
    )
    return Markup(f"<{name}{given}>{join_markup(*children)}</{name}>")


def join_markup(*parts: str) -> Markup:
    """The parts one after the other, plain strings escaped."""
    return Markup("".join(part if isinstance(part, Markup) else escape(make_visible(str(part))) for part in parts))


def bullet_list(lines: list[str]) -> Markup:
    """A list with a bullet per line; nothing without lines."""
    return element("ul", *(element("li", line) for line in lines)) if lines else Markup("")
