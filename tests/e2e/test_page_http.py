"""The payment page as an answer: status, headers, language, files, and what a buyer sees when something is wrong."""

import gzip
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network

import aiohttp
import pytest

from harvester.api.limits import Limits
from harvester.api.page.routes import PAGE
from harvester.api.page.site import ConnectKit, Site
from harvester.api.page.texts import Languages
from tests.e2e.api_contract import Contract
from tests.e2e.page_server import PageServer, serving
from tests.proxy import proxied

CONTRACT = Contract()
ENGLISH = Languages.shipped().choose("")
WALLETS = b'[{"bridge": [{"type": "sse", "url": "https://bridge.example/bridge"}]}]'


@pytest.fixture
async def server(database_uri: str) -> AsyncIterator[PageServer]:
    async with serving(database_uri) as running:
        yield running


async def get(server: PageServer, path: str, method: str = "GET", **headers: str) -> tuple[aiohttp.ClientResponse, str]:
    """Return an answer that is as the document says, and its text."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with server.http.request(method, server.url + path, headers=named) as answer:
        CONTRACT.check(method, path, answer.status, answer.headers, await answer.read())
        return answer, await answer.text()


async def test_the_page_keeps_to_itself(server: PageServer) -> None:
    invoice = await server.invoice()
    answer, page = await get(server, f"{PAGE}/{invoice.id}")
    assert answer.status == 200
    assert answer.headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    )
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert "style=" not in page
    assert "<style" not in page


@pytest.mark.parametrize("number", ["01970c00-a927-77e4-88fa-67d72ae4c4be", "x", "%7B%7D", "%00", "a" * 500])
async def test_an_invoice_that_does_not_exist_has_a_friendly_page(server: PageServer, number: str) -> None:
    answer, page = await get(server, f"{PAGE}/{number}")
    assert answer.status == 404
    assert ENGLISH.unknown_title in page
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert (await get(server, f"{PAGE}/{number}", "HEAD"))[0].status == 404


async def test_any_form_of_an_id_shows_its_invoice(server: PageServer) -> None:
    invoice = await server.invoice()
    for form in (invoice.id.hex.upper(), f"urn:uuid:{invoice.id}", f"%7B{invoice.id}%7D"):
        assert (await get(server, f"{PAGE}/{form}"))[0].status == 200


async def test_while_the_database_is_away_the_page_tries_again_by_itself(database_uri: str) -> None:
    async with proxied(database_uri) as proxy, serving(proxy.uri) as server:
        invoice = await server.invoice()
        await proxy.cut()
        answer, page = await get(server, f"{PAGE}/{invoice.id}")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
        assert '<meta http-equiv="refresh" content="10">' in page
        await proxy.restore()
        assert (await get(server, f"{PAGE}/{invoice.id}"))[0].status == 200


async def test_a_buyer_of_a_crowded_address_gets_a_page_that_tries_again(database_uri: str) -> None:
    limits = Limits(public_rate=1, trusted_proxies=(ip_network("127.0.0.0/8"),))
    async with serving(database_uri, limits=limits) as server:
        path = f"{PAGE}/{(await server.invoice()).id}"
        assert (await get(server, path, X_Forwarded_For="203.0.113.7"))[0].status == 200
        answer, page = await get(server, path, X_Forwarded_For="203.0.113.7")
        assert (answer.status, answer.content_type) == (429, "text/html")
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert '<meta http-equiv="refresh" content="10">' in page
        for wrong, method in ((f"{path}/x", "GET"), (f"{PAGE}/", "GET"), (path, "POST")):
            same = {"X-Forwarded-For": "203.0.113.7"}
            async with server.http.request(method, server.url + wrong, headers=same) as refused:
                assert refused.status == 429, "what is not the page's counts, too"
        assert (await get(server, path, X_Forwarded_For="203.0.113.8"))[0].status == 200


async def test_the_page_speaks_the_language_that_the_browser_asks_for(database_uri: str) -> None:
    hebrew = replace(ENGLISH, language="he", direction="rtl", pay="לתשלום")
    async with serving(database_uri, languages=Languages({"en": ENGLISH, "he": hebrew})) as server:
        path = f"{PAGE}/{(await server.invoice()).id}"
        answer, page = await get(server, path, Accept_Language="he-IL, en;q=0.5")
        assert answer.headers["Content-Language"] == "he"
        assert "Accept-Language" in answer.headers["Vary"]
        assert '<html lang="he" dir="rtl">' in page
        assert "לתשלום" in page
        assert '<html lang="en" dir="ltr">' in (await get(server, path, Accept_Language="fr"))[1]


async def test_files_are_kept_for_ever_under_their_version_and_asked_for_again_without(server: PageServer) -> None:
    site = Site()
    for asset in (site.css, site.script, site.connect_script):
        answer, text = await get(server, asset.url)
        assert text.encode() == asset.body
        assert "immutable" in answer.headers["Cache-Control"]
        plain, _ = await get(server, asset.url.partition("?")[0])
        assert "must-revalidate" in plain.headers["Cache-Control"]
        same, nothing = await get(server, asset.url, If_None_Match=answer.headers["ETag"])
        assert (same.status, nothing) == (304, "")


async def test_a_file_comes_compressed_to_whoever_takes_that(server: PageServer) -> None:
    css = Site().css
    async with aiohttp.ClientSession(auto_decompress=False) as http:
        for accepted, encoding in (("gzip, br", "gzip"), ("identity", None)):
            async with http.get(server.url + css.url, headers={"Accept-Encoding": accepted}) as answer:
                body = await answer.read()
                assert answer.headers.get("Content-Encoding") == encoding
                assert (gzip.decompress(body) if encoding else body) == css.body


@pytest.mark.parametrize("name", ["nothing.css", "..%2Fopenapi.json", "tonconnect-sdk.js"])
async def test_a_file_that_is_not_there_is_not_found(server: PageServer, name: str) -> None:
    assert (await get(server, f"/tonpay/public/static/{name}"))[0].status == 404


async def test_the_operators_style_sheet_comes_after_ours_and_only_if_there_is_one(database_uri: str) -> None:
    site = Site(":root { --accent: #070 }")
    async with serving(database_uri, site=site) as server:
        _, page = await get(server, f"{PAGE}/{(await server.invoice()).id}")
        assert page.index(site.css.url) < page.index(site.style.url)
        answer, style = await get(server, site.style.url)
        assert (answer.content_type, style) == ("text/css", ":root { --accent: #070 }")
    async with serving(database_uri) as server:
        assert "style.css" not in (await get(server, f"{PAGE}/{(await server.invoice()).id}"))[1]


async def test_a_logo_is_all_that_may_come_from_elsewhere_and_nobody_but_the_browser_fetches_it(
    server: PageServer,
) -> None:
    logo = "https://shop.example/logo.png?v=2"
    invoice = await server.invoice(metadata={"merchant_name": "Shop", "merchant_logo": logo})
    answer, page = await get(server, f"{PAGE}/{invoice.id}")
    assert "img-src 'self' https://shop.example/logo.png;" in answer.headers["Content-Security-Policy"]
    assert f'<img src="{logo}" alt="" referrerpolicy="no-referrer"' in page


async def test_bridges_may_be_connected_to_only_where_the_library_is_installed_and_money_is_asked_for(
    database_uri: str,
) -> None:
    site = Site()
    site.connect = ConnectKit(b"export const TonConnect = 0;", WALLETS)
    async with serving(database_uri, site=site) as server:
        invoice = await server.invoice(amount=5)
        answer, page = await get(server, f"{PAGE}/{invoice.id}")
        assert "connect-src 'self' https://bridge.example;" in answer.headers["Content-Security-Policy"]
        assert 'id="connect"' in page
        assert '<dialog id="connect-dialog"' in page
        assert (await get(server, site.connect.sdk.url))[1] == "export const TonConnect = 0;"
        await server.pay(invoice, 5)
        answer, page = await get(server, f"{PAGE}/{invoice.id}")
        assert "connect-src 'self';" in answer.headers["Content-Security-Policy"]
        assert 'id="connect"' not in page
