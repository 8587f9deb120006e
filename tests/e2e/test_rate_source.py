"""A daemon with a source of rates: prices follow it, and whatever happens to it, the daemon goes on and says so."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e import rate_plugin
from tests.e2e.daemon import Daemon, free_port
from tests.e2e.eventually import eventually
from tests.e2e.memory_adapter import install
from tests.e2e.shop import TOKEN

PRIVATE = "/tonpay/private/api/v1"
PRICE = {
    "price": {"amount": "10.00", "currency": "USD"},
    "currency": "MEM",
    "life_time": 60,
    "metadata": {"merchant_name": "m"},
}


class Market:
    """A daemon, and the file that its source reads."""

    def __init__(self, folder: Path, database_uri: str) -> None:
        site = folder / "site"
        settings = install(site)
        rate_plugin.install(site)
        self._file = folder / "rates.txt"
        self.metrics_port = free_port()
        self.daemon = Daemon(
            settings
            | {
                "TOKEN": TOKEN,
                "POSTGRES_URI": database_uri,
                "METRICS": f"127.0.0.1:{self.metrics_port}",
                "RATE_SOURCE": "oracle",
                "RATE_INTERVAL_SECS": "1",
                "RATE_CURRENCIES": "usd",
                "ORACLE_FILE": str(self._file),
            },
            folder,
        )

    def say(self, text: str) -> None:
        """Let the source say this from now on."""
        self._file.write_text(text)

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the daemon."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, self.daemon.url + path, json=body) as answer,
        ):
            return await answer.json()

    async def rate(self) -> str | None:
        """What an invoice is priced at now, and who said so; None: at nothing."""
        invoice = await self.ask("POST", f"{PRIVATE}/invoice", PRICE)
        if invoice.get("code") == "no_rate":
            return None
        return f"{invoice['price']['rate']} {invoice['price']['rate_source']}"

    async def until_rate(self, wanted: str) -> None:
        """Return when invoices are priced at it."""

        async def so() -> bool:
            return await self.rate() == wanted

        await eventually(so, f"a rate of {wanted}")

    async def until_remark(self, *words: str) -> None:
        """Return when the only remark has all words, or there is none if none are given; the daemon must be ready."""

        async def so() -> bool:
            body = await self.ask("GET", "/readyz")
            assert body["ready"], body
            remarks = body["remarks"]
            return len(remarks) == bool(words) and all(word in remarks[0] for word in words)

        await eventually(so, f"a remark with {words}")


@pytest.fixture
async def market(tmp_path: Path, database_uri: str) -> AsyncIterator[Market]:
    opened = Market(tmp_path, database_uri)
    opened.say("MEM USD 5\n")
    try:
        await opened.daemon.start_ready()
        yield opened
        assert await opened.daemon.stop() == 0
    finally:
        await opened.daemon.kill()


async def test_prices_follow_the_source_and_nothing_that_it_does_stops_the_daemon(market: Market) -> None:
    await market.until_rate("5 oracle")
    await market.until_remark()
    market.say("MEM USD 5.5\n")
    await market.until_rate("5.5 oracle")
    market.say("a line that is none")
    await market.until_remark("the source oracle failed (ValueError)")
    assert await market.rate() == "5.5 oracle"
    market.say("MEM USD 55\n")
    await market.until_remark("MEM in USD jumped from 5.5 to 55")
    assert await market.rate() == "5.5 oracle"
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{market.metrics_port}/metrics") as answer,
    ):
        metrics = await answer.text()
    assert 'harvester_rate_valid_until_timestamp_seconds{currency="USD",ticker="MEM"} 1.' in metrics
    assert 'harvester_rate_quotes_total{result="jump"} 0.0' not in metrics
    await market.ask("POST", f"{PRIVATE}/rates", {"currency": "USD", "rate": "50"})
    await market.until_rate("55 oracle")
    await market.until_remark()
