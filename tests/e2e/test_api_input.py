"""What a new invoice may hold: each bound, at it and past it; a refusal says what is allowed."""

import gzip
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.clock import ManualClock
from tests.e2e.api_requests import DRAFT, create, listed, made, refusal
from tests.e2e.api_server import PRIVATE, Api, serving

MAX_AMOUNT = 2**120 - 1
LONGEST_SECS = 253_402_300_799 - 1_767_225_600
"""From the clock of these tests to the last second of the year 9999."""


@pytest.fixture
async def api(database_uri: str) -> AsyncIterator[Api]:
    async with serving(database_uri, ManualClock()) as opened:
        yield opened


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
    "order_id empty": ({"order_id": ""}, "order_id: a string of 1 to 255 printable characters"),
    "order_id only U+0000": ({"order_id": "\0"}, "order_id: a string of 1 to 255 printable characters"),
    "order_id of 256 characters": ({"order_id": "x" * 256}, "order_id: a string of 1 to 255 printable characters"),
    "order_id of two lines": ({"order_id": "1\n2"}, "order_id: a string of 1 to 255 printable characters"),
    "order_id a number": ({"order_id": 17}, "order_id: a string of 1 to 255 printable characters"),
    "customer_id empty": ({"customer_id": ""}, "customer_id: a string of 1 to 255 printable characters"),
    "customer_id with a tab": ({"customer_id": "a\tb"}, "customer_id: a string of 1 to 255 printable characters"),
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
    started = time.process_time()
    assert "78 digits" in refusal(await create(api, DRAFT | {"amount": "9" * 200_000}))
    assert "number out of range" in refusal(await create(api, json.dumps(DRAFT).replace("60", "9" * 200_000)))
    assert time.process_time() - started < 2


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
