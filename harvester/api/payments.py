"""The routes of payments: all the money that came in, for the merchant."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aiohttp import web

from harvester.api.acting import ActBody, ReasonedActBody
from harvester.api.answers import json_answer
from harvester.api.auth import TokenGuard, caller
from harvester.api.bodies import read_body
from harvester.api.paths import INVOICE_ID, PRIVATE
from harvester.api.payment_schemas import Assignment, parse_filter, parse_payment_id
from harvester.api.repeats import once
from harvester.api.schemas import parse_limit
from harvester.domain.access import Scope
from harvester.domain.acts import By
from harvester.domain.identifiers import parse_invoice_id
from harvester.domain.payment import Payment
from harvester.services.chains import Chains
from harvester.services.idempotency import Once
from harvester.services.payments import Payments
from harvester.services.rendering import invoice_payments_json, payment_json, payments_json

PATH: Final = f"{PRIVATE}/payments"


class PaymentRoutes:
    """Lists and shows payments, and takes what people say of them."""

    def __init__(self, payments: Payments, chains: Chains) -> None:
        self._payments = payments
        self._chains = chains

    def routes(self, guard: TokenGuard) -> Sequence[web.RouteDef]:
        """Return the routes, behind `guard`."""
        return [
            web.get(PATH, guard(Scope.READ, self.list)),
            web.get(f"{PATH}/{{id}}", guard(Scope.READ, self.show)),
            web.get(f"{PRIVATE}/invoices/{INVOICE_ID}/payments", guard(Scope.READ, self.of_invoice)),
            web.post(f"{PATH}/{{id}}/assign", guard(Scope.OPERATE, self.assign)),
            web.post(f"{PATH}/{{id}}/unassign", guard(Scope.OPERATE, self.unassign)),
            web.post(f"{PATH}/{{id}}/refund", guard(Scope.OPERATE, self.refund)),
            web.post(f"{PATH}/{{id}}/ignore", guard(Scope.OPERATE, self.ignore)),
        ]

    async def list(self, request: web.Request) -> web.StreamResponse:
        """List payments, newest first by chain time."""
        wanted = parse_filter(request.query, self._chains)
        limit, before = parse_limit(request.query.get("limit", "")), request.query.get("before", "")
        page = await self._payments.page(wanted, limit, parse_payment_id(before) if before else None)
        return json_answer(payments_json(page, limit))

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show a payment, and what was done with it."""
        return json_answer(payment_json(*await self._payments.show(_payment_id(request))))

    async def of_invoice(self, request: web.Request) -> web.StreamResponse:
        """List the payments that an invoice has to do with, newest first by chain time."""
        invoice_id = parse_invoice_id(request.match_info["id"])
        limit, before = parse_limit(request.query.get("limit", "")), request.query.get("before", "")
        page = await self._payments.of_invoice(invoice_id, limit, parse_payment_id(before) if before else None)
        return json_answer(invoice_payments_json(page, limit, invoice_id))

    async def assign(self, request: web.Request) -> web.StreamResponse:
        """Let a payment count for an invoice."""
        asked = await read_body(request, Assignment)
        invoice_id = parse_invoice_id(asked.invoice_id)
        by = asked.by(caller(request).channel)
        payment = await self._payments.assign(_payment_id(request), invoice_id, by, once(request, payment_json))
        return json_answer(payment_json(payment))

    async def unassign(self, request: web.Request) -> web.StreamResponse:
        """Take back an assignment."""
        return await _do(request, self._payments.unassign, ActBody)

    async def refund(self, request: web.Request) -> web.StreamResponse:
        """Note that the money was sent back."""
        return await _do(request, self._payments.refund, ReasonedActBody)

    async def ignore(self, request: web.Request) -> web.StreamResponse:
        """Note that nothing needs to be done about a payment."""
        return await _do(request, self._payments.ignore, ReasonedActBody)


async def _do(
    request: web.Request, act: Callable[[int, By, Once[Payment] | None], Awaitable[Payment]], form: type[ActBody]
) -> web.StreamResponse:
    by = (await read_body(request, form)).by(caller(request).channel)
    return json_answer(payment_json(await act(_payment_id(request), by, once(request, payment_json))))


def _payment_id(request: web.Request) -> int:
    return parse_payment_id(request.match_info["id"])
