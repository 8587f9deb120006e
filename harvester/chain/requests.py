"""What the core tells a plug-in's route of a request: whose it is. Light enough to be imported by routes only."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from aiohttp import web

X_FORWARDED_FOR: Final = "X-Forwarded-For"
FORWARDED: Final = "Forwarded"
PROXY_HEADERS: Final = frozenset({X_FORWARDED_FOR, FORWARDED})


@dataclass(frozen=True, slots=True)
class Client:
    """Who has sent a request."""

    ip_address: Callable[[Collection[str]], str | None]
    """Takes those of PROXY_HEADERS that may be read; returns the address of the client, or None if it is not known.

    A header is believed only if a proxy that TRUSTED_PROXIES names has sent it.
    """
    take_turn: Callable[[], None]
    """Counts the request as one of those that PUBLIC_RATE allows. For routes that anybody may use: call it first.

    Raises what a route lets pass, and the API answers with status 429, if there were too many.
    """


CLIENT: Final = web.RequestKey("client", Client)
"""Of every request to a plug-in's route."""
