"""Who counts as one visitor, where a limit is for each, and how often each may ask for what is public."""

import time
from collections.abc import Collection
from functools import lru_cache
from typing import Final

import structlog
from aiohttp import web

from harvester.api.answers import Refusal
from harvester.api.buckets import Buckets
from harvester.api.client_address import Address, client_address, read_address, site
from harvester.api.limits import Limits
from harvester.chain.requests import FORWARDED, PROXY_HEADERS, X_FORWARDED_FOR
from harvester.domain.egress import Network
from harvester.metrics import Metrics

_TOO_MANY: Final = "too many requests from this address"

_ADNL_IP: Final = "X-Adnl-Ip"
"""What tonutils-reverse-proxy calls it; one that a client sends is replaced."""

_PEERS: Final = 4096

_log = structlog.get_logger(__name__)


class Visitors:
    """Tells visitors apart by their addresses, and counts what they ask for."""

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self._trusted = limits.trusted_proxies
        self._buckets = Buckets(limits.public_rate) if limits.public_rate else None
        self._refused = metrics.rate_limited.inc
        self._told = False

    def address(self, request: web.Request, headers: Collection[str] = PROXY_HEADERS) -> Address | None:
        """Return the address of who sends a request, of all `headers` that proxies write reading only these."""
        peer = request.remote or ""
        by_comma = request.headers.getall(X_FORWARDED_FOR, ()) if X_FORWARDED_FOR in headers else ()
        by_pairs = request.headers.getall(FORWARDED, ()) if FORWARDED in headers else ()
        if by_comma or by_pairs:
            self._tell_of_proxy(peer)
        return client_address(peer, by_comma, by_pairs, self._trusted)

    def visitor(self, request: web.Request) -> Network | None:
        """Return who sends a request; None: somebody on this machine.

        That may be a proxy which TRUSTED_PROXIES does not name: a limit for it would be one for all its visitors.
        """
        peer = request.remote or ""
        if X_FORWARDED_FOR not in request.headers and FORWARDED not in request.headers:
            return _directly(peer)
        if (address := self.address(request)) is None:
            return _contradicting(peer)
        return _counted(address)

    def take_turn(self, request: web.Request) -> None:
        """Count a request for something public.

        Raises:
            Refusal: this visitor has asked too often.
        """
        visitor = self.visitor(request) if self._buckets else None
        if self._buckets is None or visitor is None:
            return
        if wait_secs := self._buckets.take(visitor, time.monotonic()):
            self._refused()
            raise Refusal(429, "too_many_requests", _TOO_MANY, wait_secs)

    def _tell_of_proxy(self, peer: str) -> None:
        """Log once that there seems to be a proxy near by that nobody has vouched for."""
        address = read_address(peer)
        if not self._told and address and address.is_private and all(address not in each for each in self._trusted):
            self._told = True
            _log.warning("a proxy that TRUSTED_PROXIES does not name: its visitors cannot be told apart", peer=peer)


def _contradicting(peer: str) -> Network | None:
    """Return as whom all count together whose proxy passes on headers that contradict each other: as that proxy."""
    proxy = read_address(peer)
    return None if proxy is None else site(proxy)


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
