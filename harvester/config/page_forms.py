"""The forms of the payment page's settings: each function returns the value, or raises ValueError."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

MAX_STYLE_BYTES: Final = 1 << 16
HASH_PLACE: Final = "{tx_hash}"
_EXPLORER: Final = re.compile(r"([a-z][a-z0-9_]{0,31})\s+([!-~]{1,500})")


def style_sheet(text: str) -> str:
    """Return the style sheet in the file that `text` names."""
    try:
        with Path(text).open("rb") as file:
            style = file.read(MAX_STYLE_BYTES + 1)
    except OSError as error:
        raise ValueError("cannot be read") from error
    if len(style) > MAX_STYLE_BYTES:
        raise ValueError("too long")
    return style.decode()


def explorers(text: str) -> tuple[tuple[str, str], ...]:
    """Read a comma-separated list of chain and address; each chain once."""
    found = [_EXPLORER.fullmatch(part.strip()) for part in text.split(",") if part.strip()]
    pairs = dict(_explorer(each) for each in found)
    if len(pairs) < len(found):
        raise ValueError("a chain is named twice")
    return tuple(pairs.items())


def _explorer(found: re.Match[str] | None) -> tuple[str, str]:
    if found is None or urlsplit(found[2]).scheme != "https" or HASH_PLACE not in found[2]:
        raise ValueError("not of this form")
    return found[1], found[2]
