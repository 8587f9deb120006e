"""HTML that is safe by construction: whatever is not `Html` is escaped when it becomes part of an element."""

from html import escape
from typing import Final

_VOID: Final = frozenset({"img", "link", "meta"})

Attribute = str | int | bool | None


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, /, *children: str | None, **attributes: Attribute) -> Html:
    """Return an element. Children that are None and attributes that are None or False are left out; True is a bare one.

    `_` in the name of an attribute stands for `-`; one at its end is dropped (`class_`).
    """
    opening = f"<{name}{''.join(_attribute(*each) for each in attributes.items())}>"
    return Html(opening if name in _VOID else f"{opening}{join(*children)}</{name}>")


def join(*children: str | None) -> Html:
    """Return `children` one after the other."""
    return Html("".join(child if isinstance(child, Html) else escape(child) for child in children if child is not None))


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = name.removesuffix("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
