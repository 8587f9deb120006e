"""What all pages of this installation share: their files, and what the operator and `make tonconnect` add."""

from collections.abc import Mapping, Sequence
from importlib.resources.abc import Traversable
from typing import Final
from urllib.parse import urlsplit

import orjson

from harvester.api.page.assets import STATIC, Asset, static_folder

STYLE: Final = "style.css"
_CSS: Final = "text/css; charset=utf-8"
_JS: Final = "text/javascript; charset=utf-8"
_JSON: Final = "application/json"
_TONCONNECT: Final = "tonconnect"


class Site:
    """The files of the page, and what else is the same on every page.

    `style` is the text of the operator's own style sheet; `explorers` maps a chain to the address of a transaction,
    with `{tx_hash}` in it; `connectable` says whether wallets can fetch the TON Connect manifest.
    """

    def __init__(
        self, style: str | None = None, explorers: Mapping[str, str] | None = None, *, connectable: bool = False
    ) -> None:
        folder = static_folder()
        self.css = _asset(folder, "page.css", _CSS)
        self.script = _asset(folder, "page.js", _JS)
        self.connect_script = _asset(folder, "connect.js", _JS)
        self.style = Asset(STYLE, (style or "").encode(), _CSS)
        self.icon = f"{STATIC}/logo.png"
        self._explorers = explorers or {}
        self.connect = ConnectKit.find(folder) if connectable else None

    def assets(self) -> Sequence[Asset]:
        """Return all files."""
        kit = self.connect
        return self.css, self.script, self.connect_script, self.style, *((kit.sdk, kit.wallets) if kit else ())

    def explorer(self, chain: str, tx_hash: str) -> str | None:
        """Return where people look at a transaction, if the operator has said so."""
        template = self._explorers.get(chain)
        return template and template.replace("{tx_hash}", tx_hash)


class ConnectKit:
    """The TON Connect library, as `make tonconnect` leaves it beside the page's own files, and its wallets."""

    def __init__(self, sdk: bytes, wallets: bytes) -> None:
        """`wallets` is a JSON list in the form that wallets are listed in for TON Connect."""
        self.sdk = Asset("tonconnect-sdk.js", sdk, _JS)
        self.wallets = Asset("tonconnect-wallets.json", wallets, _JSON)
        bridges = [bridge for wallet in orjson.loads(wallets) for bridge in wallet["bridge"]]
        self.bridges = sorted({_origin(bridge["url"]) for bridge in bridges if "url" in bridge})

    @classmethod
    def find(cls, folder: Traversable) -> "ConnectKit | None":
        """Return what is installed; None: nothing is."""
        files = [folder.joinpath(_TONCONNECT, name) for name in ("sdk.js", "wallets.json")]
        return cls(*(file.read_bytes() for file in files)) if all(file.is_file() for file in files) else None


def _asset(folder: Traversable, name: str, content_type: str) -> Asset:
    return Asset(name, folder.joinpath(name).read_bytes(), content_type)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
