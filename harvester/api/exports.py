"""The routes of exports: CSV for accounting, streamed."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Final

import structlog
from aiohttp import web

from harvester.api.answers import Refusal
from harvester.api.auth import TokenGuard
from harvester.api.paths import PRIVATE
from harvester.api.payment_schemas import parse_moment
from harvester.domain.access import Scope
from harvester.domain.errors import InvalidInput, Unavailable
from harvester.domain.rates import parse_currency
from harvester.services.exports import Exports, Wanted

PARAMETERS: Final = ("since", "until", "currency")
MAX_EXPORTS: Final = 4
"""Of one process at a time: each keeps the processor busy."""
_WRITE_SECS: Final = 30.0
_RETRY_SECS: Final = 5.0

_log = structlog.get_logger(__name__)


class ExportRoutes:
    """Tables over HTTP, for the merchant."""

    def __init__(self, exports: Exports) -> None:
        self._exports = exports
        self._running = 0

    def routes(self, guard: TokenGuard) -> Sequence[web.RouteDef]:
        """Return the routes, behind `guard`."""
        path = f"{PRIVATE}/export"
        return [
            web.get(f"{path}/payments.csv", guard(Scope.READ, self.payments), allow_head=False),
            web.get(f"{path}/invoices.csv", guard(Scope.READ, self.invoices), allow_head=False),
        ]

    async def payments(self, request: web.Request) -> web.StreamResponse:
        """Answer with payments by chain time."""
        return await self._send(request, "payments.csv", self._exports.payments(_wanted(request.query)))

    async def invoices(self, request: web.Request) -> web.StreamResponse:
        """Answer with invoices by creation."""
        return await self._send(request, "invoices.csv", self._exports.invoices(_wanted(request.query)))

    async def _send(self, request: web.Request, name: str, table: AsyncGenerator[bytes, None]) -> web.StreamResponse:
        if self._running >= MAX_EXPORTS:
            raise Refusal(429, "too_many_requests", f"{MAX_EXPORTS} exports are running already", _RETRY_SECS)
        self._running += 1
        try:
            async with aclosing(table):
                return await _stream(request, name, table)
        finally:
            self._running -= 1


async def _stream(request: web.Request, name: str, table: AsyncGenerator[bytes, None]) -> web.StreamResponse:
    first = await anext(table)  # what fails until here is still answered as an error
    disposition = f'attachment; filename="{name}"'
    headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": disposition,
        "Cache-Control": "no-store",
    }
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    try:
        await _write(response, first)
        async for piece in table:
            await _write(response, piece)
    except (ConnectionError, TimeoutError, Unavailable) as error:
        # Whoever reads must not take a part for the whole: the answer breaks off without its end.
        _log.warning("an export was broken off", export=name, error=str(error))
        if request.transport is not None:
            request.transport.abort()
    return response


async def _write(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(_WRITE_SECS):
        await response.write(data)


def _wanted(query: Mapping[str, str]) -> Wanted:
    given = {name: value for name, value in query.items() if value}
    if unknown := sorted(given.keys() - set(PARAMETERS)):
        raise InvalidInput(f"unknown parameter {unknown[0]!a}: {', '.join(PARAMETERS)} are known")
    usual, currency = Wanted(), given.get("currency")
    return Wanted(
        parse_moment(given, "since") or usual.since,
        parse_moment(given, "until") or usual.until,
        parse_currency(currency) if currency else None,
    )
