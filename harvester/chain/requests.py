"""What the core gives a plug-in's route with each request: whose it is, and what bounds it."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Final

from aiohttp import web

X_FORWARDED_FOR: Final = "X-Forwarded-For"
FORWARDED: Final = "Forwarded"
PROXY_HEADERS: Final = frozenset({X_FORWARDED_FOR, FORWARDED})


@dataclass(frozen=True, slots=True)
class Client:
    """Who has sent a request, and what he may."""

    ip_address: Callable[[Collection[str]], str | None]
    """Takes those of PROXY_HEADERS that may be read; returns the address of the client, or None if it is not known: the
    headers contradict each other, or it comes by a Unix socket.

    A header is believed only if a proxy that TRUSTED_PROXIES names has sent it.
    """
    take_turn: Callable[[], None]
    """Counts the request as one of those that PUBLIC_RATE allows. For routes that anybody may use: call it first.

    Raises what a route lets pass, and the API answers with status 429, if there were too many.
    """
    read: Callable[[int], Awaitable[bytes]]
    """Takes how many bytes there may be, at most a mebibyte; returns the body.

    Raises InvalidInput if it is too long, too slow, or not encoded as its headers say.
    """


CLIENT: Final = web.RequestKey("client", Client)
"""Of every request to a plug-in's route."""
