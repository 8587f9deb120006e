"""A shop's side of the API."""

from typing import Any

import aiohttp

TOKEN = "token-of-a-test-shop"
PRIVATE = "/tonpay/private/api/v1/invoice"
DAY_SECS = 86_400


class Shop:
    """Calls the private API as a merchant does."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def create(self, currency: str, amount: int, life_time: int = DAY_SECS) -> dict[str, Any]:
        """Create an invoice."""
        body = {
            "amount": str(amount),
            "currency": currency,
            "life_time": life_time,
            "metadata": {"merchant_name": "Test shop"},
        }
        return await self.ask("POST", PRIVATE, body)

    async def get(self, invoice_id: str) -> dict[str, Any]:
        """Return an invoice."""
        return await self.ask("GET", f"{PRIVATE}s/{invoice_id}")

    async def cancel(self, invoice_id: str) -> dict[str, Any]:
        """Cancel an invoice."""
        return await self.ask("POST", f"{PRIVATE}s/{invoice_id}/cancel")

    async def list(self) -> list[dict[str, Any]]:
        """Return all invoices, page by page."""
        found: list[dict[str, Any]] = []
        while page := (await self._page(found[-1]["id"] if found else None))["invoices"]:
            found += page
        return found

    async def _page(self, after: str | None) -> dict[str, Any]:
        return await self.ask("GET", f"{PRIVATE}s?limit=1000" + (f"&after={after}" if after else ""))

    async def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Send a request; every answer but 200 is an error."""
        async with self._session.request(method, path, json=body) as answer:
            assert answer.status == 200, await answer.text()
            found: dict[str, Any] = await answer.json()
            return found
