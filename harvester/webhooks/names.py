"""Looks up the names of endpoints in threads of their own.

Those of the event loop are few (two, with uvloop): endpoints whose DNS does not answer would keep them, and everybody
else, PostgreSQL's host included, would wait for a name.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult

_MOST_AT_ONCE: Final = 128
"""More than there can be endpoints, each of which is looked up once at a time."""


class Names(AbstractResolver):
    """Asks the host's resolver, as the event loop would. Threads are made when they are needed."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="webhook-names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of `host`. Raises OSError if there are none."""
        ask = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        return [
            ResolveResult(
                hostname=host,
                host=_host(address),
                port=int(address[1]),
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Begin no more lookups; wait for none."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _host(address: tuple[Any, ...]) -> str:
    scope = address[3] if len(address) == 4 else 0
    return f"{address[0]}%{scope}" if scope else str(address[0])
