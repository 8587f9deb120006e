"""What a buyer sees, hears and reaches with a keyboard: in light and dark, on a phone and on a desk."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ViewportSize

from harvester.api.page.routes import PAGE
from harvester.api.page.site import Site
from harvester.domain.invoice import Invoice
from tests.conftest import new_database
from tests.e2e.accessibility import faint_texts, mistakes, small_targets
from tests.e2e.browser import DESKTOP, PHONE, visiting
from tests.e2e.page_server import PageServer, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

SMALL_PHONE: ViewportSize = {"width": 320, "height": 568}
TABLET: ViewportSize = {"width": 768, "height": 1024}
SMALL_DESKTOP: ViewportSize = {"width": 896, "height": 600}
"""The narrowest that has two columns."""
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(browser: Browser, postgres_uri: str) -> AsyncIterator[PageServer]:
    del browser
    site = Site(explorers={"ton": "https://explorer.example/{tx_hash}"})
    async with new_database(postgres_uri) as uri, serving(uri, site=site) as running:
        yield running


async def waiting(server: PageServer) -> Invoice:
    return await server.invoice()


async def partial(server: PageServer) -> Invoice:
    invoice = await server.invoice()
    await server.pay(invoice, 3_000_000_000)
    return invoice


async def closing(server: PageServer) -> Invoice:
    invoice = await server.invoice(life_secs=1)
    server.clock.advance(3)
    return invoice


async def paid(server: PageServer) -> Invoice:
    invoice = await server.invoice(amount=5)
    await server.pay(invoice, 6)
    return invoice


async def expired(server: PageServer) -> Invoice:
    invoice = await server.invoice(life_secs=1)
    await server.pay(invoice, 7)
    await server.expire(invoice)
    return invoice


async def cancelled(server: PageServer) -> Invoice:
    return await server.invoicing.cancel((await server.invoice()).id, "test")


async def much(server: PageServer) -> Invoice:
    """Much of everything."""
    metadata = {"merchant_name": "W" * 200, "goods": [{"name": "m" * 200}] * 30}
    return await server.invoice(amount=2**120 - 1, life_secs=3_000_000, metadata=metadata)


STAGES: list[Callable[[PageServer], Awaitable[Invoice]]] = [waiting, partial, closing, paid, expired, cancelled, much]


@pytest.mark.parametrize("make", STAGES, ids=lambda make: make.__name__)
async def test_everything_can_be_read_named_and_pressed(
    server: PageServer, browser: Browser, make: Callable[[PageServer], Awaitable[Invoice]]
) -> None:
    async with visiting(browser, reduced_motion="reduce") as visit:
        page = await visit.open(server.page(await make(server)))
        for summary in await page.query_selector_all("summary"):
            await summary.click()
        for size in (SMALL_PHONE, PHONE, DESKTOP):
            await page.set_viewport_size(size)
            assert await small_targets(page) == []
            assert await mistakes(page) == []
            for scheme in SCHEMES:
                await page.emulate_media(color_scheme=scheme)
                assert await faint_texts(page) == []
        assert visit.faults == []


async def test_the_page_of_an_unknown_invoice_can_be_read_too(server: PageServer, browser: Browser) -> None:
    async with visiting(browser, viewport=PHONE) as visit:
        await visit.page.goto(f"{server.url}{PAGE}/x")
        assert await faint_texts(visit.page) == []
        assert await mistakes(visit.page) == []


async def test_a_screen_reader_reads_the_page_in_order(server: PageServer, browser: Browser) -> None:
    async with visiting(browser) as visit:
        page = await visit.open(server.page(await server.invoice()))
        await page.click("#by-hand-summary")
        read = await page.locator("body").aria_snapshot()
    heard = [
        'heading "Amount to pay 12.5 TON" [level=1]',
        "Waiting for your payment",
        "timer",
        'heading "What you pay for" [level=2]',
        "listitem: The Dispossessed",
        'heading "Pay with your wallet" [level=2]',
        'img "QR code of the payment link"',
        'link "Open wallet app"',
        'link "Open in Tonkeeper"',
        'button "Copy Amount"',
        'button "Copy Address"',
        'button "Copy Comment"',
        "status: Waiting for your payment",
    ]
    places = [read.find(each) for each in heard]
    assert -1 not in places, read
    assert places == sorted(places), read


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_a_keyboard_reaches_everything_from_top_to_bottom(
    server: PageServer, browser: Browser, size: dict[str, int]
) -> None:
    async with visiting(browser, viewport=size) as visit:
        page = await visit.open(server.page(await server.invoice()))
        reached, heights = [], []
        for key in ("Tab", "Tab", "Tab", "Enter", "Tab", "Tab", "Tab"):
            await page.keyboard.press(key)
            if key == "Tab":
                reached.append(await visit.focused())
                heights.append(await page.evaluate("document.activeElement.getBoundingClientRect().top + scrollY"))
            outline = await page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
            assert float(outline.removesuffix("px")) >= 2
        assert reached == [
            *("link-universal", "link-tonkeeper", "by-hand-summary"),
            *("copy-amount", "copy-address", "copy-comment"),
        ]
        assert heights == sorted(heights)


async def test_a_button_copies_the_exact_value_and_says_so(server: PageServer, browser: Browser) -> None:
    invoice = await server.invoice(amount=12_345_500_000_000)
    async with visiting(browser, permissions=["clipboard-read", "clipboard-write"]) as visit:
        page = await visit.open(server.page(invoice))
        assert await page.inner_text(".figure") == "12\N{NARROW NO-BREAK SPACE}345.5"
        await page.click("#by-hand-summary")
        for name, value in (("amount", "12345.5"), ("comment", str(invoice.id))):
            await page.click(f"#copy-{name}")
            await page.wait_for_selector(f"#copy-{name} >> text=Copied")
            assert await page.evaluate("navigator.clipboard.readText()") == value
            assert await page.text_content("#announcement") == "Copied"


async def test_where_there_is_no_clipboard_the_old_way_copies(server: PageServer, browser: Browser) -> None:
    async with visiting(browser, permissions=["clipboard-read"]) as visit:
        page = await visit.open(server.page(await server.invoice()))
        await page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
        await page.click("#by-hand-summary")
        await page.click("#copy-amount")
        await page.wait_for_selector("#copy-amount >> text=Copied")
        assert await page.evaluate("getSelection().toString()") == "12.5"


async def test_a_change_keeps_the_focus_where_it_can_stay_and_moves_it_to_the_news_where_not(
    server: PageServer, browser: Browser
) -> None:
    invoice = await server.invoice(amount=10)
    async with visiting(browser) as visit:
        page = await visit.open(server.page(invoice))
        await page.focus("#link-tonkeeper")
        await server.pay(invoice, 4)
        await visit.until("partial")
        assert await visit.focused() == "link-tonkeeper"
        await server.pay(invoice, 6)
        await visit.until("paid")
        assert await visit.focused() == "headline"


async def test_the_time_left_goes_down_and_the_last_minute_is_announced(server: PageServer, browser: Browser) -> None:
    invoice = await server.invoice(life_secs=3_700)
    async with visiting(browser) as visit:
        await visit.page.clock.install()
        page = await visit.open(server.page(invoice))
        shown = await visit.text("#timer")
        assert shown.startswith("1:01:")
        await page.clock.run_for(100_000)
        assert (await visit.text("#timer")).startswith("1:00:0") or (await visit.text("#timer")).startswith("59:")
        await page.clock.run_for(3_700_000 - 100_000 - 59_000)
        assert await page.text_content("#announcement") == "One minute left to pay"
        assert await page.get_attribute("#announcement", "role") == "status"
        assert await page.get_attribute("#timer", "role") == "timer", "which is not read out every second"


async def test_what_has_weeks_says_the_day_in_the_buyers_own_time(server: PageServer, browser: Browser) -> None:
    invoice = await server.invoice(life_secs=3_000_000)
    async with visiting(browser, timezone_id="Asia/Tokyo", java_script_enabled=False) as visit:
        await visit.open(server.page(invoice))
        assert await visit.text(".left") == f"Pay until {invoice.expires_at:%Y-%m-%d %H:%M} UTC"
    async with visiting(browser, timezone_id="Asia/Tokyo") as visit:
        await visit.open(server.page(invoice))
        assert "UTC" not in await visit.text(".left")


@pytest.mark.parametrize(("motion", "animation"), [("no-preference", "pulse"), ("reduce", "none")])
async def test_nothing_moves_for_whoever_wants_it_still(
    server: PageServer, browser: Browser, motion: str, animation: str
) -> None:
    async with visiting(browser, reduced_motion=motion) as visit:
        page = await visit.open(server.page(await server.invoice()))
        assert await page.evaluate("getComputedStyle(document.querySelector('.pulse')).animationName") == animation


@pytest.mark.parametrize("amount", [12_345_500_000_000, 123_390_057_362, 12_345_390_057_362])
async def test_an_amount_with_all_its_decimals_stays_on_one_line(
    server: PageServer, browser: Browser, amount: int
) -> None:
    async with visiting(browser) as visit:
        page = await visit.open(server.page(await server.invoice(amount=amount)))
        for size in (SMALL_PHONE, PHONE, TABLET, SMALL_DESKTOP, DESKTOP):
            await page.set_viewport_size(size)
            parts = "[...document.querySelectorAll('.figure, .ticker')]"
            assert await page.evaluate(f"{parts}.map((part) => part.getClientRects().length)") == [1, 1]
