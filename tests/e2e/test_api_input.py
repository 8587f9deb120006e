"""What merchants and strangers may send: each bound, at it and past it; a refusal says what is allowed."""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from tests.clock import ManualClock
from tests.e2e.api_server import BEARER, PRIVATE, PUBLIC, Answer, Api, serving

CREATE = f"{PRIVATE}/invoice"
MAX_AMOUNT = 2**120 - 1
LONGEST_SECS = 253_402_300_799 - 1_767_225_600
"""From the clock of these tests to the last second of the year 9999."""
DRAFT: dict[str, Any] = {
    "amount": "5",
    "currency": "TON",
    "life_time": 60,
    "metadata": {"merchant_name": "m"},
}


@pytest.fixture
async def api(database_uri: str) -> AsyncIterator[Api]:
    async with serving(database_uri, ManualClock()) as opened:
        yield opened


async def create(api: Api, body: bytes | str | dict[str, Any], headers: dict[str, str] | None = None) -> Answer:
    """Send the body of a new invoice."""
    raw = json.dumps(body) if isinstance(body, dict) else body
    return await api.ask("POST", CREATE, raw.encode() if isinstance(raw, str) else raw, BEARER | (headers or {}))


async def made(api: Api, body: bytes | str | dict[str, Any] = DRAFT) -> dict[str, Any]:
    """Create an invoice, which must succeed, and show that what is stored is what was answered."""
    answer = await create(api, body)
    assert answer.status == 200, answer.text
    invoice: dict[str, Any] = json.loads(answer.text)
    assert (await api.ask("GET", f"{PRIVATE}/invoices/{invoice['id']}")).body == answer.body
    return invoice


async def listed(api: Api, query: str) -> list[str]:
    """The ids of a list."""
    answer = await api.ask("GET", f"{PRIVATE}/invoices?{query}")
    assert answer.status == 200, answer.text
    return [invoice["id"] for invoice in json.loads(answer.text)["invoices"]]


def refusal(answer: Answer, status: int = 400) -> str:
    """The text of a refusal, whose form is checked."""
    body = json.loads(answer.text)
    assert answer.status == status, answer.text
    assert body.keys() == {"error", "code", "request_id"}
    assert answer.headers["X-Request-Id"] == body["request_id"]
    assert body["error"]
    return str(body["error"])


REFUSED_BODIES: dict[str, tuple[bytes | str, str]] = {
    "nothing": ("", "JSON object"),
    "a list": ("[]", "JSON object"),
    "a text": ('"x"', "JSON object"),
    "null": ("null", "JSON object"),
    "not JSON": ("{amount: 5}", "member name"),
    "NaN": ('{"private_info": {"a": NaN}}', "JSON value"),
    "a number like 01": ('{"private_info": {"a": 01}}', "JSON"),
    "a raw line break in a text": ('{"private_info": {"a": "\n"}}', "JSON value"),
    "cut off": (json.dumps(DRAFT)[:-9], "JSON"),
    "text after the object": (json.dumps(DRAFT) + "x", "end of the text"),
    "a second object": (json.dumps(DRAFT) * 2, "end of the text"),
    "a byte order mark": ("\ufeff" + json.dumps(DRAFT), "JSON object"),
    "not UTF-8": (b'{"amount": "\xff"}', "UTF-8"),
    "a surrogate in UTF-8": (b'{"amount": "\xed\xa0\x80"}', "UTF-8"),
    "too deep": ('{"private_info": {"a": ' + "[" * 10_000 + "]" * 10_000 + "}}", "9500 levels"),
    "too deep in what is ignored": ('{"x": ' + '{"a":' * 10_000 + "1" + "}" * 10_000 + "}", "9500 levels"),
    "brackets that do not match": ('{"private_info": {"a": [}]}', "JSON"),
}


@pytest.mark.parametrize("name", REFUSED_BODIES)
async def test_a_body_that_is_no_json_object_is_refused(api: Api, name: str) -> None:
    body, allowed = REFUSED_BODIES[name]
    assert allowed in refusal(await create(api, body))
    assert await listed(api, "") == []


REFUSED_MEMBERS: dict[str, tuple[dict[str, Any], str]] = {
    "amount 0": ({"amount": "0"}, "positive integer"),
    "amount 1.0": ({"amount": "1.0"}, "positive integer"),
    "amount 1_000": ({"amount": "1_000"}, "positive integer"),
    "amount in Arabic digits": ({"amount": "\u0665"}, "positive integer"),
    "amount null": ({"amount": None}, "amount"),
    "amount past what TON carries": ({"amount": str(MAX_AMOUNT + 1)}, f"1 … {MAX_AMOUNT} base units of TON"),
    "amount of 79 digits": ({"amount": "9" * 79}, "78 digits"),
    "currency null": ({"currency": None}, "currency"),
    "currency in lower case": ({"currency": "ton"}, "TON, SUSD"),
    "life_time past the year 9999": ({"life_time": LONGEST_SECS + 1}, f"1 … {LONGEST_SECS} seconds"),
    "life_time 2^63 - 1": ({"life_time": 2**63 - 1}, f"1 … {LONGEST_SECS} seconds"),
    "life_time 1.5": ({"life_time": 1.5}, "life_time"),
    "life_time 1e3": ({"life_time": 1e300}, "life_time"),
    "life_time true": ({"life_time": True}, "life_time"),
    "life_time null": ({"life_time": None}, "life_time"),
    "private_info a text": ({"private_info": "{}"}, "private_info: must be an object"),
    "metadata missing": ({"metadata": None}, "metadata: Field required"),
    "merchant_name empty": ({"metadata": {"merchant_name": ""}}, "merchant_name"),
    "merchant_name only U+0000": ({"metadata": {"merchant_name": "\0"}}, "merchant_name"),
    "merchant_name null": ({"metadata": {"merchant_name": None}}, "merchant_name"),
    "mcc_code -1": ({"metadata": {"merchant_name": "m", "mcc_code": -1}}, "mcc_code"),
    "mcc_code a text": ({"metadata": {"merchant_name": "m", "mcc_code": "1"}}, "mcc_code"),
    "a good that is a text": ({"metadata": {"merchant_name": "m", "goods": ["x"]}}, "goods.0"),
    "a good with a number for a name": ({"metadata": {"merchant_name": "m", "goods": [{"name": 1}]}}, "goods.0.name"),
}


@pytest.mark.parametrize("name", REFUSED_MEMBERS)
async def test_a_member_out_of_bounds_is_refused_by_name(api: Api, name: str) -> None:
    members, allowed = REFUSED_MEMBERS[name]
    assert allowed in refusal(await create(api, DRAFT | members))
    assert await listed(api, "") == []


async def test_the_bounds_themselves_are_allowed(api: Api) -> None:
    invoice = await made(api, DRAFT | {"amount": str(MAX_AMOUNT), "life_time": LONGEST_SECS})
    assert (invoice["amount"], invoice["expire_at"]) == (str(MAX_AMOUNT), 253_402_300_799)


async def test_two_hundred_thousand_digits_are_refused_quickly(api: Api) -> None:
    started = time.perf_counter()
    assert "78 digits" in refusal(await create(api, DRAFT | {"amount": "9" * 200_000}))
    assert "number out of range" in refusal(await create(api, json.dumps(DRAFT).replace("60", "9" * 200_000)))
    assert time.perf_counter() - started < 2


async def test_a_mebibyte_is_allowed_and_a_byte_more_is_not(api: Api) -> None:
    room = (1 << 20) - len(json.dumps(DRAFT | {"private_info": {"a": ""}}))
    largest = json.dumps(DRAFT | {"private_info": {"a": "x" * room}})
    assert len((await made(api, largest))["private_info"]["a"]) == room
    assert "1048576 bytes" in refusal(await create(api, largest + " "))
    assert "1048576 bytes" in refusal(await create(api, gzip.compress(b" " * (1 << 26)), {"Content-Encoding": "gzip"}))
    assert len(await listed(api, "")) == 1


async def test_a_body_that_is_not_encoded_as_it_says_is_refused(api: Api) -> None:
    refusal(await create(api, DRAFT, {"Content-Encoding": "gzip"}))


async def test_a_body_without_a_content_type_is_read(api: Api) -> None:
    assert (await create(api, DRAFT, {"Content-Type": ""})).status == 200


async def test_absent_and_null_mean_the_default(api: Api) -> None:
    nulls = {"private_info": None, "metadata": {"merchant_name": "m", "goods": None, "mcc_code": None}}
    invoice = await made(api, DRAFT | nulls)
    assert invoice["private_info"] == {}
    assert invoice["metadata"] == {"goods": [], "mcc_code": 0, "merchant_name": "m"}


async def test_null_goods_and_names_of_goods_are_empty(api: Api) -> None:
    invoice = await made(api, DRAFT | {"metadata": {"merchant_name": "m", "goods": [None, {"name": None}, {}]}})
    assert invoice["metadata"]["goods"] == [{"name": ""}] * 3


async def test_names_of_members_are_found_in_any_case_and_the_last_counts(api: Api) -> None:
    invoice = await made(
        api,
        '{"amount":"1","AMOUNT":"7","Currency":"TON","LIFE_TIME":60,"Private_Info":{"Case":1},'
        '"mEtadata":{"Merchant_NAME":"m","GOODS":[{"NAME":"g"}],"MCC_Code":1}}',
    )
    assert invoice["amount"] == "7"
    assert invoice["private_info"] == {"Case": 1}
    assert invoice["metadata"] == {"goods": [{"name": "g"}], "mcc_code": 1, "merchant_name": "m"}


async def test_private_info_keeps_every_digit_and_every_member(api: Api) -> None:
    private = '{"big":123456789012345678901234567890,"e":1e3,"f":1.10,"z":-0.0,"tiny":1E-400,"é":"\\u00e9\\/","":{}}'
    body = json.dumps(DRAFT)[:-1] + ', "private_info": ' + private.replace(",", " ,\n\t") + "}"
    answer = await create(api, body)
    assert f'"private_info":{private},' in answer.text
    shown = await api.ask("GET", f"{PRIVATE}/invoices/{json.loads(answer.text)['id']}")
    assert shown.body == answer.body


async def test_u0000_is_dropped_everywhere_and_its_six_characters_are_text(api: Api) -> None:
    invoice = await made(
        api,
        DRAFT
        | {
            "private_info": {"k\0ey": "a\0b", "text": "\\u0000", "mixed": "\\\0\\\\u0000"},
            "metadata": {"merchant_name": "m\0n\\u0000", "goods": [{"na\0me": "g\0"}]},
        },
    )
    assert invoice["private_info"] == {"key": "ab", "text": "\\u0000", "mixed": "\\\\\\u0000"}
    assert invoice["metadata"]["merchant_name"] == "mn\\u0000"
    assert invoice["metadata"]["goods"] == [{"name": "g"}]


async def test_half_a_surrogate_pair_becomes_the_replacement_character(api: Api) -> None:
    texts = {"k\ud800": "\udc00\ud83d\ude00", "split": "\ud83d\0\ude00"}
    invoice = await made(api, DRAFT | {"private_info": texts, "metadata": {"merchant_name": "\ud800"}})
    assert invoice["private_info"]["k\ufffd"] == "\ufffd\U0001f600"
    assert "\ud83d" not in invoice["private_info"]["split"]
    assert invoice["metadata"]["merchant_name"] == "\ufffd"


async def test_nine_thousand_levels_come_back(api: Api) -> None:
    deep = '{"a":' * 9_400 + "{}" + "}" * 9_400
    answer = await create(api, json.dumps(DRAFT)[:-1] + f', "private_info": {deep}}}')
    assert answer.status == 200
    for path in (f"{PRIVATE}/invoices", f"{PRIVATE}/invoices/{answer.text[7:43]}"):
        assert f'"private_info":{deep},' in (await api.ask("GET", path)).text


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
