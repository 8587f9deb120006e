"""What the operator and the merchant may change of the page, and what nobody gets into it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route

from harvester.api.page.site import Site
from tests.conftest import new_database
from tests.e2e.accessibility import faint_texts
from tests.e2e.browser import visiting
from tests.e2e.eventually import eventually
from tests.e2e.page_server import PageServer, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8ffff3f0005fe02fe0def46b80000000049454e44ae426082"
)
"""A red PNG of one pixel."""
LOGO = {
    "merchant_name": "Shop",
    "merchant_url": "https://shop.example/o/1",
    "merchant_logo": "https://shop.example/l.png",
}
MAX_PAGE_BYTES = 40_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(browser: Browser, postgres_uri: str) -> AsyncIterator[PageServer]:
    del browser
    async with new_database(postgres_uri) as uri, serving(uri, site=Site(":root { --radius: 7px }")) as running:
        yield running


async def test_the_operators_variables_win(server: PageServer, browser: Browser) -> None:
    async with visiting(browser) as visit:
        page = await visit.open(server.page(await server.invoice()))
        assert await page.evaluate("getComputedStyle(document.querySelector('.card')).borderTopLeftRadius") == "7px"


async def test_an_operator_with_one_set_of_colours_says_so_and_the_page_can_be_read_in_the_dark(
    postgres_uri: str, browser: Browser
) -> None:
    site = Site(":root { color-scheme: light; --accent: #7a2e8e; --tint: #fbf6ef; --background: #f1e8db }")
    async with (
        new_database(postgres_uri) as uri,
        serving(uri, site=site) as server,
        visiting(browser, color_scheme="dark") as visit,
    ):
        page = await visit.open(server.page(await server.invoice()))
        assert await page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor") == (
            "rgb(255, 255, 255)"
        )
        assert await faint_texts(page) == []


async def test_the_logo_is_shown_by_the_browser_that_says_nothing_of_the_page(
    server: PageServer, browser: Browser
) -> None:
    asked: list[dict[str, str]] = []

    async def picture(route: Route) -> None:
        asked.append(await route.request.all_headers())
        await route.fulfill(body=PIXEL, content_type="image/png")

    async with visiting(browser) as visit:
        await visit.page.context.route("https://shop.example/**", picture)
        page = await visit.open(server.page(await server.invoice(metadata=LOGO)))
        await page.wait_for_function("document.querySelector('.logo img').naturalWidth === 1")
        assert visit.hosts() == {server.url, "https://shop.example"}
        assert visit.faults == []
        assert len(asked) == 1
        assert "referer" not in asked[0]
        await page.evaluate("document.body.append(Object.assign(new Image(), {src: 'https://shop.example/other.png'}))")

        async def refused() -> bool:
            return any("img-src" in each for each in visit.faults)

        await eventually(refused, "another picture is refused")
        assert len(asked) == 1


async def test_a_logo_that_does_not_come_leaves_a_letter(server: PageServer, browser: Browser) -> None:
    async with visiting(browser) as visit:
        await visit.page.context.route("https://shop.example/**", lambda route: route.abort())
        page = await visit.open(server.page(await server.invoice(metadata=LOGO)))
        await page.wait_for_selector(".logo img", state="detached")
        assert await visit.text(".logo") == "S"


async def test_scripts_that_somebody_gets_into_the_page_do_not_run(server: PageServer, browser: Browser) -> None:
    async with visiting(browser) as visit:
        page = await visit.open(server.page(await server.invoice()))
        for attempt in (
            "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))",
            "document.body.innerHTML += '<img src=x onerror=window.ran=1>'",
            "document.body.insertAdjacentHTML('beforeend', '<b>x</b>')",
        ):
            with_error: Any = None
            try:
                await page.evaluate(attempt)
            except Exception as error:  # noqa: BLE001 - a policy that throws is as good as one that ignores
                with_error = error
            assert await page.evaluate("window.ran") is None, with_error


async def test_the_page_is_light(server: PageServer, browser: Browser) -> None:
    """All of it, before compression, with the code."""
    async with visiting(browser) as visit:
        bodies: list[Awaitable[bytes]] = []
        visit.page.on("response", lambda answer: bodies.append(answer.body()) if "/stream" not in answer.url else None)
        await visit.open(server.page(await server.invoice()))
        await visit.page.wait_for_load_state("load")
        sizes = [len(body) for body in await asyncio.gather(*bodies)]
    assert len(sizes) >= 4
    assert sum(sizes) < MAX_PAGE_BYTES, sizes
