"""The route of receipts."""

from collections.abc import Sequence

from aiohttp import web

from harvester.api.auth import TokenGuard
from harvester.api.paths import INVOICE_ID, PRIVATE
from harvester.api.receipt_page import receipt_page, receipt_policy
from harvester.domain.access import Scope
from harvester.domain.identifiers import parse_invoice_id
from harvester.services.printed_receipts import PrintedReceipts


class PrintedReceiptRoutes:
    """Receipts over HTTP, for the merchant."""

    def __init__(self, receipts: PrintedReceipts) -> None:
        self._receipts = receipts
        self._headers = {
            "Content-Security-Policy": f"{receipt_policy()}; frame-ancestors 'none'",
            "Content-Type": "text/html; charset=utf-8",
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
        }

    def routes(self, guard: TokenGuard) -> Sequence[web.RouteDef]:
        """Return the routes, behind `guard`."""
        return [web.get(f"{PRIVATE}/invoices/{INVOICE_ID}/receipt", guard(Scope.READ, self.show))]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Answer with the receipt of a paid invoice, as a page to print."""
        receipt = await self._receipts.get(parse_invoice_id(request.match_info["id"]))
        return web.Response(body=receipt_page(receipt).encode(), headers=self._headers)
