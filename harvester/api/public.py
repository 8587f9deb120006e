"""What wallets ask for before they connect: the TON Connect manifest and its picture."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Final

import orjson
from aiohttp import web

from harvester.api.answers import json_answer
from harvester.api.visitors import Visitors

_ANY_ORIGIN: Final = {"Access-Control-Allow-Origin": "*"}
_LOGO_PATH: Final = "/tonpay/public/static/logo.png"


class ManifestRoutes:
    """Constant answers, built once. `domain` is the public host name; without one the URLs in the manifest lack it."""

    def __init__(self, domain: str | None) -> None:
        site = f"https://{domain or ''}"
        self._manifest = orjson.dumps({"url": f"{site}/", "name": "Payment", "iconUrl": site + _LOGO_PATH})
        self._logo = files("harvester.api").joinpath("static", "logo.png").read_bytes()

    def routes(self, visitors: Visitors) -> Sequence[web.RouteDef]:
        """Return the routes, which all visitors may use alike."""
        del visitors
        return [web.get("/tonpay/public/manifest", self.manifest), web.get(_LOGO_PATH, self.logo)]

    async def manifest(self, _request: web.Request) -> web.StreamResponse:
        """Say who asks for a connection."""
        answer = json_answer(self._manifest)
        answer.headers.update(_ANY_ORIGIN)
        return answer

    async def logo(self, _request: web.Request) -> web.StreamResponse:
        """Return the picture that wallets show."""
        headers = {"Content-Type": "image/png", "Cache-Control": "public, max-age=86400", **_ANY_ORIGIN}
        return web.Response(body=self._logo, headers=headers)
