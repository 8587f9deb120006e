"""Paying through a wallet that is connected by TON Connect: the real library, and a wallet of ours in the browser."""

import asyncio
import json
import shutil
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from harvester.api.page.site import ConnectKit, Site
from harvester.domain.invoice import Invoice
from harvester_ton.address import format_address
from tests.conftest import new_database
from tests.e2e.accessibility import faint_texts, mistakes
from tests.e2e.api_server import RECIPIENT
from tests.e2e.browser import PHONE, Visit, visiting
from tests.e2e.page_server import PAYER, PageServer, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCRIPT = Path(__file__).parents[2] / "scripts/tonconnect"
INSTALL_SECS = 120
# What an extension puts into pages: https://github.com/ton-blockchain/ton-connect/blob/main/bridge.md
WALLET = """
const features = ["SendTransaction", { name: "SendTransaction", maxMessages: 4 }];
const device = { platform: "linux", appName: "Tonkeeper", appVersion: "1", maxProtocolVersion: 2, features };
const address = { name: "ton_addr", address: "%s", network: "-239", walletStateInit: "", publicKey: "" };
window.tonkeeper = { tonconnect: {
  deviceInfo: device, protocolVersion: 2, isWalletBrowser: false,
  connect: async () => ({ event: "connect", id: Date.now(), payload: { items: [address], device } }),
  restoreConnection: async () => ({ event: "connect_error", id: 1, payload: { code: 100, message: "unknown" } }),
  send: async ({ id, method, params }) => ({ id: String(id), ...await asked(method, params) }),
  listen: () => () => {},
} };
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kit(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> ConnectKit:
    """The library as `make tonconnect` brings it."""
    del browser
    if shutil.which("npm") is None:
        pytest.skip("there is no npm here to bring TON Connect")
    folder = tmp_path_factory.mktemp("tonconnect")
    process = await asyncio.create_subprocess_exec(SCRIPT, folder, stderr=asyncio.subprocess.PIPE)
    async with asyncio.timeout(INSTALL_SECS):
        _, errors = await process.communicate()
    if process.returncode:
        pytest.skip(f"npm does not bring TON Connect: {errors.decode()[-200:]}")
    assert (folder / "LICENSE").is_file()
    return ConnectKit((folder / "sdk.js").read_bytes(), (folder / "wallets.json").read_bytes())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(kit: ConnectKit, postgres_uri: str) -> AsyncIterator[PageServer]:
    site = Site()
    site.connect = kit
    async with new_database(postgres_uri) as uri, serving(uri, site=site) as running:
        yield running


async def open_page(visit: Visit, server: PageServer, invoice: Invoice, answer: Any) -> list[dict[str, Any]]:
    """Open the page in a browser with a wallet; return what it will be asked to send. `answer` says what it does."""
    sent: list[dict[str, Any]] = []

    async def asked(method: str, params: list[str]) -> dict[str, Any]:
        if method != "sendTransaction":
            return {"result": {}}
        sent.append(json.loads(params[0]))
        told: dict[str, Any] = await answer()
        return told

    await visit.page.expose_function("asked", asked)
    await visit.page.add_init_script(WALLET % PAYER)
    await visit.page.goto(server.page(invoice))
    return sent


async def test_a_connected_wallet_is_asked_for_just_what_is_due(server: PageServer, browser: Browser) -> None:
    invoice = await server.invoice(amount=10)
    await server.pay(invoice, 4)

    async def pay() -> dict[str, Any]:
        await server.pay(invoice, 6)
        return {"result": "te6ccgEBAQEAAgAAAA=="}

    async with visiting(browser) as visit:
        sent = await open_page(visit, server, invoice, pay)
        assert not [each for each in visit.requests if "connect" in each.url], "loaded before anybody asked"
        await visit.page.click("#connect")
        await visit.page.click("#wallets >> text=Tonkeeper")
        await visit.until("paid")
        await visit.page.wait_for_selector("dialog", state="hidden")
        assert visit.faults == []
        assert visit.hosts() == {server.url}
    [transaction] = sent
    [message] = transaction["messages"]
    assert message["address"] == format_address(RECIPIENT, bounceable=False)
    assert message["amount"] == "6"
    assert invoice.id.bytes in b64decode(message["payload"])
    assert transaction["valid_until"] <= invoice.expires_at.timestamp()


async def test_a_wallet_that_refuses_leaves_the_page_as_it_was(server: PageServer, browser: Browser) -> None:
    async def refuse() -> dict[str, Any]:
        return {"error": {"code": 300, "message": "the user has declined"}}

    async with visiting(browser) as visit:
        await open_page(visit, server, await server.invoice(), refuse)
        for _ in range(2):
            await visit.page.click("#connect")
            await visit.page.click("#wallets >> text=Tonkeeper")
            await visit.page.wait_for_selector("#connect-state >> text=did not work")
            await visit.page.keyboard.press("Escape")
        assert await visit.page.query_selector("#invoice.waiting")
        assert visit.faults == []


async def test_the_choice_of_wallets_can_be_read_and_left_by_keyboard(server: PageServer, browser: Browser) -> None:
    async with visiting(browser, viewport=PHONE, color_scheme="dark") as visit:
        await open_page(visit, server, await server.invoice(), None)
        await visit.page.focus("#connect")
        await visit.page.keyboard.press("Enter")
        await visit.page.wait_for_selector("#wallets button")
        names = await visit.page.locator("#wallets button").all_inner_texts()
        assert names[0] == "Tonkeeper", "the one that is here comes first"
        assert len(names) == 6
        assert await visit.page.evaluate("document.activeElement.textContent") == "Tonkeeper"
        assert await faint_texts(visit.page) == []
        assert await mistakes(visit.page) == []
        await visit.page.keyboard.press("Escape")
        assert await visit.focused() == "connect"
        await visit.page.click("#connect")
        await visit.page.click("dialog >> text=Close")
        assert not await visit.page.is_visible("dialog")
        assert visit.faults == []


async def test_a_wallet_elsewhere_is_reached_over_its_bridge_and_nothing_else(
    server: PageServer, browser: Browser, kit: ConnectKit
) -> None:
    async with visiting(browser) as visit:
        for bridge in kit.bridges:
            await visit.page.context.route(f"{bridge}/**", lambda route: route.abort())
        await visit.page.context.route("https://tonhub.com/**", lambda route: route.fulfill(body="a wallet"))
        await visit.page.goto(server.page(await server.invoice()))
        await visit.page.click("#connect")
        async with (
            visit.page.expect_request("https://connect.tonhubapi.com/**"),
            visit.page.context.expect_page() as opened,
        ):
            await visit.page.click("#wallets >> text=Tonhub")
        assert (await opened.value).url.startswith("https://tonhub.com/ton-connect?")
        link = await visit.page.get_attribute("#connect-state a", "href") or ""
        assert link.startswith("https://tonhub.com/ton-connect?")
        assert visit.hosts() <= {server.url, "https://connect.tonhubapi.com"}
        assert not any("policy" in each or "-src" in each for each in visit.faults)


async def test_jettons_are_not_offered_to_connected_wallets(server: PageServer, browser: Browser) -> None:
    invoice = await server.invoice(ticker="SUSD")
    async with visiting(browser) as visit:
        await visit.page.goto(server.page(invoice))
        assert await visit.page.query_selector("#connect, dialog") is None
