"""Rates, and invoices with a price, over HTTP."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.domain.errors import InvalidInput
from harvester.domain.rates import parse_price, parse_rate
from tests.clock import ManualClock
from tests.e2e.api_requests import DRAFT, create, made, refusal
from tests.e2e.api_server import BEARER, CONTRACT, PRIVATE, PUBLIC, Api, serving

RATES = f"{PRIVATE}/rates"
NOW = 1_767_225_600
OF_PRICE = {name: value for name, value in DRAFT.items() if name != "amount"}


@pytest.fixture
async def api(database_uri: str) -> AsyncIterator[Api]:
    async with serving(database_uri, ManualClock()) as opened:
        yield opened


async def say(api: Api, **members: Any) -> Any:
    """Set a rate, which must succeed."""
    answer = await api.ask("POST", RATES, json.dumps({"currency": "USD", "rate": "5.23"} | members).encode())
    assert answer.status == 201, answer.text
    return json.loads(answer.text)


async def test_a_rate_is_set_and_listed(api: Api) -> None:
    said = await say(api, currency="usd", valid_for=60, actor="alice")
    assert said == {
        "number": said["number"],
        "ticker": "TON",
        "chain": "ton",
        "asset": "ton",
        "currency": "USD",
        "rate": "5.23",
        "source": "api:alice",
        "created_at": NOW,
        "valid_until": NOW + 60,
        "valid": True,
    }
    jetton = await say(api, ticker="SUSD", rate="1.0000", currency="EUR")
    assert (jetton["rate"], jetton["valid_until"], jetton["source"]) == ("1.0000", NOW + 3600, "api")
    api.clock.advance(60)
    listed = json.loads((await api.ask("GET", RATES)).text)
    assert listed["rates"] == [jetton, said | {"valid": False}]


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"rate": "0"}, "greater than 0"),
        ({"rate": "1e3"}, "without exponent"),
        ({"rate": 5}, "rate"),
        ({"rate": None}, "rate"),
        ({"currency": "$"}, "code of 3 to 8"),
        ({"ticker": "DOGE"}, "must be one of: TON, SUSD"),
        ({"valid_for": 0}, "valid for 1 to"),
        ({"valid_for": 10**12}, "valid for 1 to"),
        ({"valid_for": "60"}, "valid_for"),
        ({"actor": "two\nlines"}, "one line"),
        ({"further": 1}, "further"),
    ],
    ids=str,
)
async def test_a_wrong_rate_is_refused_and_not_stored(api: Api, members: dict[str, Any], told: str) -> None:
    body = json.dumps({"currency": "USD", "rate": "5.23"} | members).encode()
    assert told in refusal(await api.ask("POST", RATES, body))
    assert json.loads((await api.ask("GET", RATES)).text) == {"rates": []}


async def test_an_invoice_of_a_price_keeps_what_it_was_converted_at(api: Api) -> None:
    await say(api, rate="3", actor="alice")
    api.clock.advance(7)
    invoice = await made(api, OF_PRICE | {"price": {"amount": "10.00", "currency": "usd"}})
    assert (invoice["amount"], invoice["currency"]) == ("3333333334", "TON")
    price = {"amount": "10.00", "currency": "USD", "rate": "3", "rate_at": NOW}
    assert invoice["price"] == price | {"rate_source": "api:alice"}
    await say(api, rate="4")
    public = json.loads((await api.ask("GET", f"{PUBLIC}/invoices/{invoice['id']}", headers={})).text)
    assert public["price"] == price
    [listed] = json.loads((await api.ask("GET", f"{PRIVATE}/invoices")).text)["invoices"]
    assert listed == invoice


async def test_without_a_valid_rate_there_is_no_invoice(api: Api) -> None:
    asked = OF_PRICE | {"price": {"amount": "10.00", "currency": "USD"}}

    async def refused() -> None:
        answer = await create(api, asked)
        assert refusal(answer, 409) == "no rate of TON in USD is valid now: set one, or ask for an amount of TON"
        assert json.loads(answer.text)["code"] == "no_rate"

    await refused()
    await say(api, currency="EUR")
    await say(api, ticker="SUSD")
    await refused()
    await say(api, valid_for=60)
    api.clock.advance(60)
    await refused()
    assert json.loads((await api.ask("GET", f"{PRIVATE}/invoices")).text)["invoices"] == []


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({}, "either `amount` or `price`"),
        ({"amount": None, "price": None}, "either `amount` or `price`"),
        ({"amount": "5", "price": {"amount": "1", "currency": "USD"}}, "either `amount` or `price`"),
        ({"price": {"amount": "0", "currency": "USD"}}, "price.amount: price must be a decimal number"),
        ({"price": {"amount": "-1.50", "currency": "USD"}}, "price.amount: price must be a decimal number"),
        ({"price": {"amount": "1e3", "currency": "USD"}}, "price.amount: price must be a decimal number"),
        ({"price": {"amount": "1,000", "currency": "USD"}}, "price.amount: price must be a decimal number"),
        ({"price": {"amount": 12.5, "currency": "USD"}}, "price.amount: a string is expected"),
        ({"price": {"amount": "1", "currency": "US"}}, "price.currency: the currency of a price"),
        ({"price": {"amount": "1"}}, "price.currency"),
        ({"price": {"currency": "USD"}}, "price.amount"),
        ({"price": "12.50 USD"}, "price"),
        ({"price": {"amount": "999999999999999", "currency": "USD"}}, "base units of TON"),
        ({"price": {"amount": "1", "currency": "USD"}, "currency": "DOGE"}, "must be one of: TON, SUSD"),
    ],
    ids=str,
)
async def test_what_is_no_price_is_refused(api: Api, members: dict[str, Any], told: str) -> None:
    await say(api, rate="0.000000000000000001")
    assert told in refusal(await create(api, OF_PRICE | members))


async def test_a_price_is_found_in_any_case_as_other_members_are(api: Api) -> None:
    await say(api, rate="5")
    body = '{"PRICE":{"Amount":"0.50","CURRENCY":"USD","more":1},"amount":null,"currency":"TON","life_time":60,'
    invoice = await made(api, body + '"metadata":{"merchant_name":"m"}}')
    assert invoice["amount"] == "100000000"


@given(st.text("0123456789.,-+eE _\u0661", max_size=34))
def test_the_document_says_just_which_prices_and_rates_are_taken(text: str) -> None:
    for schema, member, parse in (("NewPrice", "amount", parse_price), ("NewRate", "rate", parse_rate)):
        pattern = CONTRACT.document["components"]["schemas"][schema]["properties"][member]["pattern"]
        try:
            parse(text)
            taken = True
        except InvalidInput:
            taken = False
        assert taken is (re.search(pattern, text) is not None)


async def test_rates_are_for_those_with_a_token(api: Api) -> None:
    for method in ("GET", "POST"):
        assert (await api.ask(method, RATES, headers={})).status == 401
    assert (await api.ask("GET", RATES, headers=BEARER)).status == 200
