"""What the page shows of an invoice's metadata: bounded, and with no address that a browser should not open."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from yarl import URL

MAX_TEXT: Final = 120
MAX_GOODS: Final = 8
_MAX_URL: Final = 2048
_HOST: Final = re.compile(r"(?=.*[a-z])[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
"""A name, not the number of a machine."""
_PATH: Final = re.compile(r"/[A-Za-z0-9/._~!$&()*+=:@%-]*")
"""What a Content-Security-Policy can name as it is: no quote, comma or semicolon."""


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who is paid, and what for."""

    name: str
    """Else the host of `url`; empty if there is neither."""
    url: str | None
    """Where the buyer came from: http or https."""
    logo: URL | None
    """Https, with a host and a path that a policy can name."""
    goods: Sequence[str]
    """At most MAX_GOODS."""
    more_goods: int
    """How many there are besides."""


def read_merchant(metadata: str) -> Merchant:
    """Return what is fit to be shown of `metadata`, a JSON object as text."""
    members = orjson.loads(metadata)
    goods, url = _list(members.get("goods")), _web_address(members.get("merchant_url"))
    return Merchant(
        name=_text(members.get("merchant_name")) or _text(url and url.host),
        url=str(url) if url else None,
        logo=logo_address(members.get("merchant_logo")),
        goods=[name for good in goods[:MAX_GOODS] if isinstance(good, dict) and (name := _text(good.get("name")))],
        more_goods=max(0, len(goods) - MAX_GOODS),
    )


def logo_address(value: object) -> URL | None:
    """Return the address of a picture, if it is one that a policy can allow without allowing more."""
    url = _parse(value)
    if url is None or url.scheme != "https" or url.user is not None or url.password is not None:
        return None
    named = _HOST.fullmatch(url.raw_host or "") and _PATH.fullmatch(url.raw_path)
    return url.with_fragment(None) if named else None


def _web_address(value: object) -> URL | None:
    url = _parse(value)
    return url if url is not None and url.scheme in {"http", "https"} and url.raw_host else None


def _parse(value: object) -> URL | None:
    if not isinstance(value, str) or len(value) > _MAX_URL or not value.isprintable():
        return None
    try:
        return URL(value)
    except ValueError:
        return None


def _text(value: object) -> str:
    text = " ".join(value[: 4 * MAX_TEXT].split()) if isinstance(value, str) else ""
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
