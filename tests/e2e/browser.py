"""A buyer's browser: Debian's Chromium, headless, that notes whatever a page should not do."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, ConsoleMessage, Error, Page, Request, ViewportSize, async_playwright

PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
_TELL_VIOLATIONS = "addEventListener('securitypolicyviolation', (event) => console.error(event.violatedDirective))"


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Yield a browser; where there is none, the test is skipped."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium here: apt-get install chromium")
    async with async_playwright() as playwright:
        # Chromium's own sandbox wants rights that containers and root do not have.
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Visit:
    """One open page."""

    page: Page
    faults: list[str] = field(default_factory=list)
    """Errors in the console, uncaught exceptions, violated policies."""
    requests: list[Request] = field(default_factory=list)
    loads: int = 0
    """How often a page was loaded."""

    async def open(self, url: str) -> Page:
        """Go to an invoice; return the page once it is there."""
        await self.page.goto(url)
        await self.page.wait_for_selector("#invoice")
        return self.page

    def hosts(self) -> set[str]:
        """Return every origin that was asked for something."""
        return {f"{urlsplit(each.url).scheme}://{urlsplit(each.url).netloc}" for each in self.requests}

    async def text(self, selector: str) -> str:
        """Return what a person reads there."""
        return " ".join((await self.page.inner_text(selector)).split())

    async def until(self, stage: str) -> None:
        """Return when the page shows this stage; fail if that takes too long."""
        await self.page.wait_for_selector(f"#invoice.{stage}")

    async def focused(self) -> str:
        """Return the id of what has the focus."""
        return str(await self.page.evaluate("document.activeElement.id"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(message.text)

    def _request(self, request: Request) -> None:
        self.requests.append(request)

    def _load(self, _page: Page) -> None:
        self.loads += 1

    def _exception(self, error: Error) -> None:
        self.faults.append(str(error))


@asynccontextmanager
async def visiting(browser: Browser, **context: Any) -> AsyncIterator[Visit]:
    """Yield an empty page with a profile of its own; `context` is what `Browser.new_context` takes."""
    profile = await browser.new_context(**({"viewport": DESKTOP} | context))
    try:
        await profile.add_init_script(_TELL_VIOLATIONS)
        page = await profile.new_page()
        visit = Visit(page)
        page.on("console", visit._console)
        page.on("pageerror", visit._exception)
        page.on("request", visit._request)
        page.on("load", visit._load)
        yield visit
    finally:
        await profile.close()
