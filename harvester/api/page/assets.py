"""The files that the page is made of: read once, named by their content, compressed beforehand."""

import gzip
import hashlib
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from aiohttp import web

STATIC: Final = "/tonpay/public/static"
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "public, max-age=0, must-revalidate"


def static_folder() -> Traversable:
    """Return where the page's own files are."""
    return files("harvester.api").joinpath("static")


@dataclass(frozen=True)
class Asset:
    """One file under STATIC."""

    name: str
    body: bytes
    content_type: str
    digest: str = field(init=False)
    _zipped: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.body).hexdigest()[:16])
        object.__setattr__(self, "_zipped", gzip.compress(self.body, mtime=0))

    @property
    def url(self) -> str:
        """Its path with its version: what is answered there never changes."""
        return f"{STATIC}/{self.name}?v={self.digest}"

    def answer(self, request: web.Request) -> web.StreamResponse:
        """Return it as an answer, or 304 to a browser that has it."""
        headers = {
            "Cache-Control": _FOR_EVER if request.query.get("v") == self.digest else _ASK_AGAIN,
            "ETag": f'"{self.digest}"',
            "Vary": "Accept-Encoding",
        }
        if any(tag.value == self.digest for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        headers["Content-Type"] = self.content_type
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=self._zipped, headers=headers | {"Content-Encoding": "gzip"})
        return web.Response(body=self.body, headers=headers)
