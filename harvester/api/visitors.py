"""Who counts as one visitor, where a limit is for each."""

from functools import lru_cache
from typing import Final

import structlog
from aiohttp import web

from harvester.api.client_address import Address, client_address, read_address, site
from harvester.api.limits import Limits
from harvester.domain.egress import Network

_ADNL_IP: Final = "X-Adnl-Ip"
"""What tonutils-reverse-proxy calls it; one that a client sends is replaced."""

_PEERS: Final = 4096

_log = structlog.get_logger(__name__)


class Visitors:
    """Tells visitors apart by their addresses."""

    def __init__(self, limits: Limits) -> None:
        self._trusted = limits.trusted_proxies
        self._told = False

    def visitor(self, request: web.Request) -> Network | None:
        """Return who sends a request; None: somebody on this machine.

        That may be a proxy which TRUSTED_PROXIES does not name: a limit for it would be one for all its visitors.
        """
        peer = request.remote or ""
        by_comma, by_pairs = request.headers.getall("X-Forwarded-For", ()), request.headers.getall("Forwarded", ())
        if not by_comma and not by_pairs:
            return _directly(peer)
        self._tell_of_proxy(peer)
        return _counted(client_address(peer, by_comma, by_pairs, self._trusted))

    def _tell_of_proxy(self, peer: str) -> None:
        """Log once that there seems to be a proxy near by that nobody has vouched for."""
        address = read_address(peer)
        if not self._told and address and address.is_private and all(address not in each for each in self._trusted):
            self._told = True
            _log.warning("a proxy that TRUSTED_PROXIES does not name: its visitors cannot be told apart", peer=peer)


def _counted(address: Address | None) -> Network | None:
    return None if address is None or address.is_loopback else site(address)


@lru_cache(maxsize=_PEERS)
def _directly(peer: str) -> Network | None:
    # Most requests come over few connections, and reading an address takes longer than all else here.
    return _counted(read_address(peer))


class SiteVisitors(Visitors):
    """The same on the listener of a TON site: its proxy says in a header of its own whose request it forwards.

    The proxy is near by, on this host or in its private network. Whoever asks from elsewhere counts for himself.
    """

    def visitor(self, request: web.Request) -> Network | None:
        """See `Visitors`."""
        peer, forwarded = read_address(request.remote or ""), read_address(request.headers.get(_ADNL_IP, ""))
        if peer and peer.is_private and forwarded:
            return site(forwarded)
        return super().visitor(request)
