"""The page that shows the API: whole, from our own origin, and nothing that is not its own."""

import re
from collections.abc import AsyncIterator

import pytest

from harvester.api import openapi
from tests.clock import ManualClock
from tests.e2e.api_server import CONTRACT, Api, serving
from tests.e2e.browser import chromium, visiting


@pytest.fixture
async def api(database_uri: str) -> AsyncIterator[Api]:
    async with serving(database_uri, ManualClock()) as opened:
        yield opened


async def test_all_that_the_page_names_is_served_and_from_nowhere_else(api: Api) -> None:
    page = await api.ask("GET", "/docs", headers={})
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(named) == 6
    for name in named:
        found = await api.ask("GET", f"/{name}", headers={})
        assert (found.status, len(found.body) > 50) == (200, True)
        assert "//" not in name


async def test_the_page_may_run_no_script_but_its_own(api: Api) -> None:
    policy = (await api.ask("GET", "/docs", headers={})).headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy
    assert "<script>" not in (await api.ask("GET", "/docs", headers={})).text


async def test_a_browser_shows_all_operations_and_webhooks_and_asks_nobody_else(api: Api) -> None:
    async with chromium() as browser, visiting(browser) as visit:
        await visit.page.goto(f"{api.url}/docs")
        await visit.page.wait_for_selector("[id$=createInvoice]")
        shown = await visit.page.locator(".opblock").count()
        await visit.page.locator("[id$=createInvoice] button").first.click()
        assert "Coffee shop" in await visit.text("[id$=createInvoice] .opblock-body")
        assert (visit.faults, visit.hosts()) == ([], {api.url})
    webhooks = len(CONTRACT.document["webhooks"])
    assert shown == len(CONTRACT.operations()) + webhooks


@pytest.mark.parametrize("name", ["no.js", "VERSION", "..%2fVERSION", "%2fetc%2fpasswd", "page.html"])
async def test_nothing_else_is_served(api: Api, name: str) -> None:
    assert (await api.ask("GET", f"/docs/{name}", headers={})).status == 404


async def test_without_the_package_it_says_what_is_missing(database_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openapi, "find_spec", lambda _name: None)
    async with serving(database_uri, ManualClock()) as api:
        answer = await api.ask("GET", "/docs", headers={})
        assert answer.status == 404
        assert "harvester[docs]" in answer.text
        assert (await api.ask("GET", "/docs/start.js", headers={})).status == 404
