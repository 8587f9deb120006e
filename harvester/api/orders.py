"""The routes of orders: invoices that a storefront placed, named by its own ids."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aiohttp import web

from harvester.api.acting import ActBody, ReasonedActBody
from harvester.api.answers import json_answer
from harvester.api.auth import TokenGuard, caller
from harvester.api.bodies import read_body
from harvester.api.invoice_filters import parse_extract, parse_order_filter
from harvester.api.paths import PRIVATE
from harvester.api.repeats import once
from harvester.domain.access import Scope
from harvester.domain.acts import By
from harvester.domain.errors import ActRefused, TransitionRefused
from harvester.domain.identifiers import merchant_text
from harvester.domain.invoice import Invoice
from harvester.services.accounts import Accounts
from harvester.services.chains import Chains
from harvester.services.idempotency import Once
from harvester.services.invoicing import Invoicing
from harvester.services.rendering import list_json, private_json

_ORDER: Final = f"{PRIVATE}/orders/{{order_id:[^/]+}}"


class Claim(ActBody):
    """A body of `claim`."""

    address: str


class Reassignment(ReasonedActBody):
    """A body of `reassign`."""

    customer_id: str


class OrderRoutes:
    """Shows orders, and takes what the merchant decides about them. Each answers with the order as it is then."""

    def __init__(self, accounts: Accounts, invoicing: Invoicing, chains: Chains) -> None:
        self._accounts = accounts
        self._invoicing = invoicing
        self._chains = chains

    def routes(self, guard: TokenGuard) -> Sequence[web.RouteDef]:
        """Return the routes, behind `guard`."""
        return [
            web.get(f"{PRIVATE}/orders", guard(Scope.READ, self.list)),
            web.get(_ORDER, guard(Scope.READ, self.show)),
            web.post(f"{_ORDER}/claim", guard(Scope.OPERATE, self.claim)),
            web.post(f"{_ORDER}/cancel", guard(Scope.WRITE, self.cancel)),
            web.post(f"{_ORDER}/fulfil", guard(Scope.OPERATE, self.fulfil)),
            web.post(f"{_ORDER}/reassign", guard(Scope.OPERATE, self.reassign)),
        ]

    async def list(self, request: web.Request) -> web.StreamResponse:
        """List orders in order of creation."""
        wanted = parse_order_filter(request.query, self._chains)
        page = await self._invoicing.page(wanted, parse_extract(request.query))
        return json_answer(list_json(map(self._json, page.invoices), page.following, page.preceding))

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show an order."""
        return json_answer(self._json(await self._accounts.order(_order_id(request))))

    async def claim(self, request: web.Request) -> web.StreamResponse:
        """Tie an order to the owner of an address."""
        asked = await read_body(request, Claim)

        async def claim(order_id: str, by: By, again: Once[Invoice] | None) -> Invoice:
            return await self._accounts.claim(order_id, asked.address, by, again)

        return await self._do(request, asked, claim)

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """Cancel an open order."""
        asked = await read_body(request, ReasonedActBody)

        async def cancel(order_id: str, by: By, again: Once[Invoice] | None) -> Invoice:
            order = await self._accounts.order(order_id)
            try:
                return await self._invoicing.cancel(order.id, by.cause, again)
            except TransitionRefused as refusal:
                raise ActRefused(f"order {order_id}: {refusal}") from refusal

        return await self._do(request, asked, cancel)

    async def fulfil(self, request: web.Request) -> web.StreamResponse:
        """Count an open order as paid."""
        return await self._do(request, await read_body(request, ReasonedActBody), self._accounts.fulfil)

    async def reassign(self, request: web.Request) -> web.StreamResponse:
        """Give an order to another customer."""
        asked = await read_body(request, Reassignment)

        async def reassign(order_id: str, by: By, again: Once[Invoice] | None) -> Invoice:
            return await self._accounts.reassign(order_id, asked.customer_id, by, again)

        return await self._do(request, asked, reassign)

    async def _do(
        self,
        request: web.Request,
        asked: ActBody,
        act: Callable[[str, By, Once[Invoice] | None], Awaitable[Invoice]],
    ) -> web.StreamResponse:
        order = await act(_order_id(request), asked.by(caller(request).channel), once(request, self._json))
        return json_answer(self._json(order))

    def _json(self, order: Invoice) -> bytes:
        return private_json(order, self._chains.payment_request(order))


def _order_id(request: web.Request) -> str:
    return merchant_text(request.match_info["order_id"], "order_id")
