"""The routes of the payment page and its files."""

import asyncio
from collections.abc import Sequence
from typing import Final

from aiohttp import web

from harvester.api.answers import Refusal
from harvester.api.page.assets import STATIC
from harvester.api.page.checkout import PAYABLE, Checkout, check_out
from harvester.api.page.document import invoice_page, unavailable_page, unknown_page
from harvester.api.page.html import Html
from harvester.api.page.merchant import read_merchant
from harvester.api.page.policy import page_headers
from harvester.api.page.qr import qr_svg
from harvester.api.page.site import Site
from harvester.api.page.texts import Languages, Texts
from harvester.api.paths import INVOICE_ID, PUBLIC
from harvester.api.visitors import Visitors
from harvester.chain import Clock
from harvester.domain.errors import InvalidInput, NotFound, Unavailable
from harvester.domain.identifiers import parse_invoice_id
from harvester.domain.invoice import Invoice
from harvester.services.chains import Chains
from harvester.services.invoicing import Invoicing

PAGE: Final = "/tonpay/public/invoice"
_RETRY_AFTER_SECS: Final = 10


class PageRoutes:
    """Shows an invoice to whoever knows its id."""

    def __init__(
        self, invoicing: Invoicing, chains: Chains, clock: Clock, site: Site, languages: Languages | None = None
    ) -> None:
        self._invoicing = invoicing
        self._chains = chains
        self._clock = clock
        self._site = site
        self._assets = {asset.name: asset for asset in site.assets()}
        self._languages = languages or Languages.shipped()

    def routes(self, visitors: Visitors) -> Sequence[web.RouteDef]:
        """Return the routes. Each visitor may have as much of the page as of everything public."""

        async def page(request: web.Request) -> web.StreamResponse:
            return await self.page(request, visitors)

        return [web.get(f"{PAGE}/{INVOICE_ID}", page), web.get(f"{STATIC}/{{name}}", self.asset)]

    async def page(self, request: web.Request, visitors: Visitors) -> web.StreamResponse:
        """Show an invoice; an id that is none, or nobody's, and who asks too often, get pages of their own."""
        texts = self._languages.choose(request.headers.get("Accept-Language", ""))
        try:
            visitors.take_turn(request)
            invoice = await self._invoicing.get(parse_invoice_id(request.match_info["id"]))
        except (InvalidInput, NotFound):
            return _answer(unknown_page(texts, self._site), page_headers(texts.language), 404)
        except Refusal as refusal:
            return self._later(texts, 429, refusal.retry_after_secs or _RETRY_AFTER_SECS)
        except Unavailable:
            return self._later(texts, 503, _RETRY_AFTER_SECS)
        return await self._show(invoice, texts)

    async def asset(self, request: web.Request) -> web.StreamResponse:
        """Return a file that the page needs."""
        asset = self._assets.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        return asset.answer(request)

    def _later(self, texts: Texts, status: int, retry_after_secs: int) -> web.StreamResponse:
        headers = page_headers(texts.language) | {"Retry-After": str(retry_after_secs)}
        return _answer(unavailable_page(texts, self._site), headers, status)

    async def _show(self, invoice: Invoice, texts: Texts) -> web.StreamResponse:
        checkout, merchant = check_out(invoice, self._chains, self._clock()), read_merchant(invoice.metadata)
        state = f"{PUBLIC}/invoices/{invoice.id}"
        page = invoice_page(checkout, merchant, await _code(checkout), texts, self._site, state)
        bridges = self._site.connect.bridges if self._site.connect and checkout.connect else ()
        return _answer(page, page_headers(texts.language, merchant.logo, bridges))


async def _code(checkout: Checkout) -> Html | None:
    link = next(iter(checkout.request.links.values()), None)
    return await asyncio.to_thread(qr_svg, link) if link and checkout.stage in PAYABLE else None


def _answer(page: str, headers: dict[str, str], status: int = 200) -> web.Response:
    answer = web.Response(body=page.encode(), status=status, headers=headers)
    answer.enable_compression()
    return answer
