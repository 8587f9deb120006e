"""The payment page follows the chain in a real browser, without a reload, and asks nobody else for anything."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route

from tests.conftest import new_database
from tests.e2e.browser import Visit, visiting
from tests.e2e.chain import Chain, payment_of
from tests.e2e.conftest import World, open_world_on
from tests.e2e.flows import WAYS, Case, create_short_lived, outlive
from tests.e2e.shop import TOKEN

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="module")]

AMOUNT = 12_500_000
"""0.0125 TON."""
PATH = "/tonpay/public/invoice"
AT_ONCE_MS = 5_000
"""Before a stream would be given up that says nothing."""
HIDE = """(hidden => {
    Object.defineProperty(document, "hidden", {configurable: true, value: hidden});
    document.dispatchEvent(new Event("visibilitychange"));
})"""
"""What a browser does when its tab goes to the background, or comes back."""


async def nothing() -> None:
    """What happens in the middle of a flow."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    chain: Chain, postgres_uri: str, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> AsyncIterator[World]:
    """A daemon with an explorer to link to; none where there is no browser to look at its page."""
    del browser
    settings = {"PAGE_EXPLORERS": "ton https://explorer.example/tx/{tx_hash}"}
    folder = tmp_path_factory.mktemp("daemon")
    async with new_database(postgres_uri) as uri, open_world_on(chain, uri, folder, **settings) as opened:
        yield opened


@asynccontextmanager
async def paying(world: World, browser: Browser, invoice: dict[str, Any], **context: Any) -> AsyncIterator[Visit]:
    """Yield the page of an invoice; at the end nothing may have gone wrong, nor left our origin, nor reloaded."""
    async with visiting(browser, **context) as visit:
        await visit.page.goto(f"{world.daemon.url}{PATH}/{invoice['id']}")
        yield visit
        assert visit.faults == []
        assert visit.hosts() == {world.daemon.url}
        assert visit.loads == 1


@pytest.mark.parametrize(("currency", "shown"), [("TON", "0.0125 TON"), ("USDX", "12.5 USDX")])
async def test_a_payment_turns_the_page_to_paid(world: World, browser: Browser, currency: str, shown: str) -> None:
    invoice = await world.shop.create(currency, AMOUNT)
    async with paying(world, browser, invoice) as visit:
        assert await visit.text("h1") == f"Amount to pay {shown}"
        await world.chain.pay(payment_of(invoice))
        await visit.until("paid")
        paid = await world.shop.get(invoice["id"])
        assert await visit.text("#transaction") == paid["tx_hash"]
        assert await visit.page.get_attribute("text=See it", "href") == f"https://explorer.example/tx/{paid['tx_hash']}"
        assert (await visit.page.title()).startswith("Paid ")
        assert await visit.page.text_content("#announcement") == "Paid"
        assert await visit.page.query_selector("#timer, .buttons, figure") is None


async def test_a_payment_by_hand_is_one_that_the_page_asks_for(world: World, browser: Browser) -> None:
    for currency, asset in (("TON", "ton"), ("EURX", None)):
        invoice = await world.shop.create(currency, AMOUNT)
        async with paying(world, browser, invoice) as visit:
            await visit.page.click("#by-hand-summary")
            payment = payment_of(invoice, text=await visit.text("#comment"))
            assert payment["asset"] == (asset or invoice["jetton_info"]["address"])
            await world.chain.pay(payment | {"to": await visit.text("#address")})
            await visit.until("paid")


async def test_after_a_part_the_page_asks_for_the_rest(world: World, browser: Browser) -> None:
    invoice = await world.shop.create("TON", AMOUNT)
    async with paying(world, browser, invoice) as visit:
        code = await visit.page.inner_html(".code")
        await visit.page.click("#by-hand-summary")
        await world.chain.pay(payment_of(invoice, AMOUNT // 5))
        await visit.until("partial")
        assert await visit.text("h1") == "Still to pay 0.01 TON"
        assert await visit.text("#received") == "0.0025 TON of 0.0125 TON received"
        assert await visit.page.get_attribute("progress", "value") == "20"
        assert "amount=10000000&" in (await visit.page.get_attribute("#link-universal", "href") or "")
        assert await visit.page.inner_html(".code") != code
        assert await visit.page.is_visible("#copy-amount"), "what was open has been closed"
        assert await visit.text("#amount") == "0.01"
        await world.chain.pay(payment_of(invoice, AMOUNT * 4 // 5))
        await visit.until("paid")
        assert await visit.text("h1") == "You have paid 0.0125 TON"


async def test_too_much_is_told(world: World, browser: Browser) -> None:
    invoice = await world.shop.create("TON", AMOUNT)
    async with paying(world, browser, invoice) as visit:
        await world.chain.pay(payment_of(invoice, AMOUNT + 1))
        await visit.until("paid")
        assert "0.000000001 TON more than was asked for" in await visit.text(".warning")


async def test_a_cancelled_invoice_asks_for_nothing_any_more(world: World, browser: Browser) -> None:
    invoice = await world.shop.create("TON", AMOUNT)
    async with paying(world, browser, invoice) as visit:
        await world.shop.cancel(invoice["id"])
        await visit.until("cancelled")
        assert "Do not pay" in await visit.text(".outcome")
        assert await visit.page.query_selector(".buttons, figure, details") is None


async def test_when_the_time_is_over_the_page_waits_for_the_chain_to_tell(world: World, browser: Browser) -> None:
    await world.chain.ask("/blocks/stop", {})
    invoice = await world.shop.create("TON", AMOUNT, life_time=2)
    async with paying(world, browser, invoice) as visit:
        await visit.until("closing")
        assert "Do not pay now" in await visit.text(".outcome")
        await world.chain.ask("/blocks/resume", {})
        await outlive(world, invoice)
        await visit.until("expired")


async def test_an_invoice_that_expires_says_what_has_come_for_it(world: World, browser: Browser) -> None:
    invoice = await create_short_lived(Case(world, WAYS[0], nothing))
    async with paying(world, browser, invoice) as visit:
        await world.chain.pay(payment_of(invoice, 1_000_000))
        await visit.until("partial")
        await outlive(world, invoice)
        await visit.until("expired")
        assert "0.001 TON has arrived" in await visit.text(".warning")


async def test_without_streams_the_page_looks_now_and_then(world: World, browser: Browser) -> None:
    invoice = await world.shop.create("TON", AMOUNT)

    async def refuse(route: Route) -> None:
        await route.fulfill(status=429, headers={"Retry-After": "30"})

    async with visiting(browser) as visit:
        await visit.page.route("**/stream", refuse)
        async with visit.page.expect_request(f"**/invoices/{invoice['id']}", timeout=AT_ONCE_MS):
            await visit.page.goto(f"{world.daemon.url}{PATH}/{invoice['id']}")
        await world.chain.pay(payment_of(invoice))
        await visit.until("paid")
        assert len([each for each in visit.requests if each.url.endswith("/stream")]) == 1


async def test_a_stream_that_is_held_back_on_its_way_is_given_up(world: World, browser: Browser) -> None:
    invoice = await world.shop.create("TON", AMOUNT)
    async with visiting(browser) as visit:
        await visit.page.clock.install()
        await visit.page.route("**/stream", lambda _route: None)
        await visit.page.goto(f"{world.daemon.url}{PATH}/{invoice['id']}")
        await world.chain.pay(payment_of(invoice))
        await world.backend.event(invoice["id"], "paid")
        await visit.page.clock.fast_forward(11_000)
        await visit.until("paid")
        assert visit.faults == []


async def test_a_daemon_that_restarts_meanwhile_is_found_again(world: World, browser: Browser) -> None:
    invoice = await world.shop.create("TON", AMOUNT)
    async with visiting(browser) as visit:
        await visit.page.goto(f"{world.daemon.url}{PATH}/{invoice['id']}")
        assert await world.daemon.stop() == 0
        await world.chain.pay(payment_of(invoice))
        await world.daemon.start_ready()
        await visit.until("paid")


async def test_a_page_that_nobody_sees_holds_no_stream_and_catches_up_when_somebody_does(
    world: World, browser: Browser
) -> None:
    invoice = await world.shop.create("TON", AMOUNT)
    async with paying(world, browser, invoice) as visit:
        await visit.page.evaluate(f"{HIDE}(true)")
        await world.chain.pay(payment_of(invoice))
        await world.backend.event(invoice["id"], "paid")
        assert await visit.page.query_selector("#invoice.waiting")
        await visit.page.evaluate(f"{HIDE}(false)")
        await visit.until("paid")


async def test_without_a_script_the_page_says_all_and_looks_again_by_itself(world: World, browser: Browser) -> None:
    invoice = await world.shop.create("TON", AMOUNT)
    async with visiting(browser, java_script_enabled=False) as visit:
        await visit.page.goto(f"{world.daemon.url}{PATH}/{invoice['id']}")
        assert await visit.page.get_attribute("meta[http-equiv=refresh]", "content") == "15"
        assert await visit.text("h1") == "Amount to pay 0.0125 TON"
        await visit.page.click("#by-hand-summary")
        assert await visit.text("#comment") == invoice["id"]
        assert not await visit.page.is_visible(".copy"), "a button that does nothing"
        await world.chain.pay(payment_of(invoice))
        await world.backend.event(invoice["id"], "paid")
        await visit.page.reload()
        await visit.until("paid")
        assert await visit.page.query_selector("meta[http-equiv=refresh]") is None


async def test_the_token_of_the_shop_is_nowhere_on_the_page(world: World, browser: Browser) -> None:
    invoice = await world.shop.create("TON", AMOUNT)
    async with paying(world, browser, invoice) as visit:
        assert TOKEN not in await visit.page.content()
        assert "private_info" not in await visit.page.content()
