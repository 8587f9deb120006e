"""What strangers and merchants may ask for: ids, limits, methods, tokens, and bytes that are no HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from tests.clock import ManualClock
from tests.e2e.api_requests import listed, made, refusal
from tests.e2e.api_server import PRIVATE, PUBLIC, Api, serving


@pytest.fixture
async def api(database_uri: str) -> AsyncIterator[Api]:
    async with serving(database_uri, ManualClock()) as opened:
        yield opened


@pytest.mark.parametrize(
    "limit", ["0", "-1", "1001", "100000", "9" * 200_000, "1.0", "1e2", "x", "%201", "%D9%A3", "+", "0x1"]
)
async def test_a_limit_out_of_bounds_is_refused(api: Api, limit: str) -> None:
    if len(limit) > 8_000:
        limit = limit[:7_000]  # a longer request line is refused by the HTTP parser
    assert "from 1 to 1000" in refusal(await api.ask("GET", f"{PRIVATE}/invoices?limit={limit}"))


async def test_lists_take_the_first_of_repeated_parameters(api: Api) -> None:
    ids = [(await made(api))["id"] for _ in range(4)]
    assert await listed(api, "") == ids
    assert await listed(api, "limit=%2B3") == ids[:3]
    assert await listed(api, "limit=003&limit=x") == ids[:3]
    assert await listed(api, "limit=&limit=1") == ids
    assert await listed(api, f"after={ids[0]}&after=x&limit=2") == ids[1:3]
    assert await listed(api, f"after=urn:uuid:{ids[2].upper()}") == ids[3:]
    assert await listed(api, f"after={ids[3]}") == []
    assert await listed(api, "limit=1000&colour=red") == ids


@pytest.mark.parametrize("number", ["01970c00-a927-77e4-88fa-67d72ae4c4be", "ffffffff-ffff-7fff-bfff-ffffffffffff"])
async def test_a_list_after_an_unknown_invoice_is_refused(api: Api, number: str) -> None:
    await made(api)
    assert "unknown invoice ID" in refusal(await api.ask("GET", f"{PRIVATE}/invoices?after={number}"))


@pytest.mark.parametrize(
    "number", ["x", "%00", "%ff", "%2F", "..%2f", "1" * 5_000, "{}", "01970c00-a927-47e4-88fa-67d72ae4c4be"]
)
async def test_what_is_no_id_is_refused(api: Api, number: str) -> None:
    for path in (f"{PRIVATE}/invoices/{number}", f"{PUBLIC}/invoices/{number}", f"{PRIVATE}/invoices?after={number}"):
        assert "id" in refusal(await api.ask("GET", path))
    assert "id" in refusal(await api.ask("POST", f"{PRIVATE}/invoices/{number}/cancel"))


async def test_an_invoice_that_is_cancelled_or_whose_life_has_ended_cannot_be_cancelled(api: Api) -> None:
    cancelled, ended = await made(api), await made(api)
    assert (await api.ask("POST", f"{PRIVATE}/invoices/{cancelled['id']}/cancel", b"any body")).status == 200
    api.clock.advance(61)
    for invoice in (cancelled, ended):
        answer = await api.ask("POST", f"{PRIVATE}/invoices/{invoice['id']}/cancel")
        assert refusal(answer, 404).startswith("no waiting payment invoice found")


async def test_other_methods_and_paths_are_plain_answers(api: Api) -> None:
    number = (await made(api))["id"]
    for method in ("DELETE", "PATCH", "PUT", "POST", "OPTIONS"):
        answer = await api.ask(method, f"{PUBLIC}/invoices/{number}")
        assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")
    for path in ("/", "/tonpay", f"{PRIVATE}/invoice/", f"{PUBLIC}/invoices/{number}/", "//", "/%00", "/%ff"):
        assert (await api.ask("GET", path)).status == 404


async def test_head_answers_as_get_does_without_a_body(api: Api) -> None:
    number = (await made(api))["id"]
    for path in (f"{PUBLIC}/invoices/{number}", f"{PRIVATE}/invoices", "/livez", "/tonpay/public/manifest"):
        get, head = await api.ask("GET", path), await api.ask("HEAD", path)
        assert (head.status, head.body) == (get.status, b"")
        assert head.headers["Content-Length"] == str(len(get.body))
    assert (await api.ask("HEAD", f"{PUBLIC}/invoices/x")).status == 400


async def test_a_request_id_is_kept_if_it_is_sane_and_made_otherwise(api: Api) -> None:
    assert (await api.ask("GET", "/livez", headers={"X-Request-Id": "shop-7.a_b"})).headers[
        "X-Request-Id"
    ] == "shop-7.a_b"
    for given in ("", "a b", "x" * 65, "é", "<script>"):
        answer = await api.ask("GET", "/livez", headers={"X-Request-Id": given})
        assert len(answer.headers["X-Request-Id"]) == 32
        assert answer.headers["X-Request-Id"] != given


@pytest.mark.parametrize(
    "given",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer seedtoke",
        "Bearer seedtokenn",
        "bearer seedtoken",
        "seedtoken",
        "Bearer séedtoken",
    ],
)
async def test_whatever_is_not_the_token_is_answered_401_with_nothing(api: Api, given: str) -> None:
    for method, path in (
        ("GET", "/invoices"),
        ("POST", "/invoice"),
        ("GET", "/invoices/x"),
        ("POST", "/invoices/x/cancel"),
    ):
        answer = await api.ask(method, PRIVATE + path, headers={"Authorization": given} if given else {})
        assert (answer.status, answer.body) == (401, b"")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_token_in_bytes_that_are_no_utf_8_is_answered_401(api: Api) -> None:
    for given in (b"Bearer \xff", b"Bearer \xed\xa0\x80", b"\xc3"):
        request = b"GET " + PRIVATE.encode() + b"/invoices HTTP/1.1\r\nHost: x\r\nAuthorization: " + given
        assert (await raw(api, request)).startswith(b"HTTP/1.1 401 ")


async def raw(api: Api, request: bytes) -> bytes:
    """Send bytes as they are, and the end of a request; return the beginning of the answer."""
    host, port = api.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request + b"\r\n\r\n")
    answer = await reader.read(1_000)
    writer.close()
    return answer


async def test_the_private_view_alone_tells_what_is_private(api: Api) -> None:
    private = await made(api)
    public = json.loads((await api.ask("GET", f"{PUBLIC}/invoices/{private['id']}", headers={})).text)
    assert private == public | {"private_info": {}, "metadata": {"goods": [], "mcc_code": 0, "merchant_name": "m"}}


async def test_a_proof_is_shown_to_the_merchant_as_it_was_recorded(api: Api) -> None:
    block = {"workchain": 0, "shard": "8000000000000000", "seqno": 7, "root_hash": "ab" * 32, "file_hash": "cd" * 32}
    proof = {"masterchain_block": block | {"workchain": -1}, "shard_block": block}
    number = (await made(api))["id"]
    now = int(api.clock.now.timestamp())
    await api.pay(UUID(number), 5, "0:" + "ab" * 32, "cd" * 32, now, json.dumps(proof))
    private = json.loads((await api.ask("GET", f"{PRIVATE}/invoices/{number}")).text)
    assert (private["status"], private["proof"]) == ("paid", proof)
    assert "proof" not in json.loads((await api.ask("GET", f"{PUBLIC}/invoices/{number}")).text)


@pytest.mark.parametrize(
    "request_text",
    [b"\x00\x01\x02\r\n", b"BREW / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n", b"GET /" + b"x" * 70_000],
    ids=["bytes", "method", "length", "long"],
)
async def test_what_is_no_http_is_refused_without_filling_the_log(
    api: Api, request_text: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await raw(api, request_text)
    assert answer.startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 "))
    assert b".py" not in answer
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []
