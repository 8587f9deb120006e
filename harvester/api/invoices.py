"""The routes of invoices."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from aiohttp import web

from harvester.api.answers import json_answer
from harvester.api.auth import TokenGuard
from harvester.api.bodies import read_bytes
from harvester.api.invoice_filters import parse_extract, parse_filter
from harvester.api.paths import INVOICE_ID, PRIVATE, PUBLIC
from harvester.api.repeats import once
from harvester.api.schemas import parse_draft
from harvester.api.visitors import Visitors
from harvester.domain.access import Scope
from harvester.domain.errors import NotFound, TransitionRefused
from harvester.domain.identifiers import parse_invoice_id
from harvester.domain.invoice import Invoice
from harvester.services.chains import Chains
from harvester.services.invoicing import Draft, Invoicing
from harvester.services.rendering import list_json, private_json, public_json

_CAUSE: Final = "api"
_SMALL_BYTES: Final = 1 << 16
"""Reading a larger body takes long enough to let other requests run meanwhile."""
_NOT_WAITING: Final = "no waiting payment invoice found"


class InvoiceRoutes:
    """Invoices over HTTP, for the merchant."""

    def __init__(self, invoicing: Invoicing, chains: Chains) -> None:
        self._invoicing = invoicing
        self._chains = chains

    def routes(self, guard: TokenGuard) -> Sequence[web.RouteDef]:
        """Return the routes, behind `guard`."""
        return [
            web.post(f"{PRIVATE}/invoice", guard(Scope.WRITE, self.create)),
            web.get(f"{PRIVATE}/invoices", guard(Scope.READ, self.list)),
            web.get(f"{PRIVATE}/invoices/{INVOICE_ID}", guard(Scope.READ, self.get_private)),
            web.post(f"{PRIVATE}/invoices/{INVOICE_ID}/cancel", guard(Scope.WRITE, self.cancel)),
        ]

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Create an invoice."""
        invoice = await self._invoicing.create(await _read_draft(request), _CAUSE, once(request, self._private))
        return json_answer(self._private(invoice))

    async def get_private(self, request: web.Request) -> web.StreamResponse:
        """Show the merchant an invoice."""
        return json_answer(self._private(await self._invoicing.get(_invoice_id(request))))

    async def list(self, request: web.Request) -> web.StreamResponse:
        """List invoices in order of creation."""
        wanted = parse_filter(request.query, self._chains)
        page = await self._invoicing.page(wanted, parse_extract(request.query))
        return json_answer(list_json(map(self._private, page.invoices), page.following, page.preceding))

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """Cancel an invoice that waits."""
        try:
            invoice = await self._invoicing.cancel(_invoice_id(request), _CAUSE, once(request, self._private))
        except NotFound:
            raise NotFound(_NOT_WAITING) from None
        except TransitionRefused as refusal:
            raise TransitionRefused(f"{_NOT_WAITING}: {refusal}") from None
        return json_answer(self._private(invoice))

    def _private(self, invoice: Invoice) -> bytes:
        return private_json(invoice, self._chains.payment_request(invoice))


class PublicInvoiceRoutes:
    """Invoices over HTTP, for everybody who knows an id."""

    def __init__(self, invoicing: Invoicing, chains: Chains) -> None:
        self._invoicing = invoicing
        self._chains = chains

    def routes(self, visitors: Visitors) -> Sequence[web.RouteDef]:
        """Return the routes."""
        del visitors
        return [web.get(f"{PUBLIC}/invoices/{INVOICE_ID}", self.show)]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show an invoice."""
        invoice = await self._invoicing.get(_invoice_id(request))
        return json_answer(public_json(invoice, self._chains.payment_request(invoice)))


def _invoice_id(request: web.Request) -> UUID:
    return parse_invoice_id(request.match_info["id"])


async def _read_draft(request: web.Request) -> Draft:
    body = await read_bytes(request)
    return parse_draft(body) if len(body) <= _SMALL_BYTES else await asyncio.to_thread(parse_draft, body)
