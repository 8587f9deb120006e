"""The webhook `orders/create`: what is used must be right, and nothing else is asked for."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.chain.desk import OrderDraft
from harvester.domain.errors import InvalidInput
from harvester_shopify.orders import parse_order

ORDER: dict[str, Any] = {
    "id": 5621189509332,
    "name": "#1001",
    "note": "leave it at the door",
    "currency": "USD",
    "total_price": "24.00",
    "subtotal_price": "20.50",
    "total_line_items_price": "19.99",
    "created_at": "2024-03-10T15:00:00-05:00",
    "customer": {"id": 7012345678, "email": "alice@example.org"},
    "token": "of no use",
}
LEAST = {name: ORDER[name] for name in ("id", "currency", "total_price", "created_at")}


def parse(price_member: str = "total_price", /, **members: object) -> OrderDraft:
    """Read an order with these members."""
    return parse_order(orjson.dumps(ORDER | members), price_member, "XTR")


def test_an_order_is_read() -> None:
    assert parse() == OrderDraft(
        order_id="5621189509332",
        customer_id="7012345678",
        ticker="XTR",
        price_amount=Decimal("24.00"),
        price_currency="USD",
        created_at=datetime(2024, 3, 10, 20, 0, tzinfo=UTC),
        alt_id="#1001",
        note="leave it at the door",
    )


def test_only_what_is_used_must_be_there_and_a_guest_has_a_name() -> None:
    draft = parse_order(orjson.dumps(LEAST), "total_price", "XTR")
    assert (draft.customer_id, draft.alt_id, draft.note) == ("guest:5621189509332", None, None)


def test_a_note_that_is_too_long_is_cut_and_does_not_cost_the_order() -> None:
    assert parse(note="x" * 6000).note == "x" * 5000
    assert parse(note="").note is None


@pytest.mark.parametrize("missing", sorted(LEAST))
def test_what_is_missing_is_named(missing: str) -> None:
    with pytest.raises(InvalidInput, match=missing):
        parse_order(orjson.dumps({name: value for name, value in LEAST.items() if name != missing}), "total_price", "X")


@pytest.mark.parametrize("customer", [None, {}, {"id": None}])
def test_a_customer_without_an_id_is_a_guest(customer: object) -> None:
    assert parse(customer=customer).customer_id == "guest:5621189509332"


@pytest.mark.parametrize(
    ("member", "price"), [("total_price", "24.00"), ("subtotal_price", "20.50"), ("total_line_items_price", "19.99")]
)
def test_the_price_is_the_member_that_is_asked_for(member: str, price: str) -> None:
    assert str(parse(member).price_amount) == price


@pytest.mark.parametrize("text", ["0.5", "1.999", "0", "0.00", "10", "999999999999999.12345678"])
def test_prices_are_decimal_with_the_digits_that_were_given(text: str) -> None:
    assert format(parse(total_price=text).price_amount, "f") == text


@pytest.mark.parametrize(
    "price",
    ["-1.50", "", " 1", "1e3", "1.", ".5", "01", "1,5", "NaN", "Infinity", "1" * 16, "1.123456789", "\u0661", 24, None],
)
def test_what_is_no_price_is_refused(price: object) -> None:
    with pytest.raises(InvalidInput, match="total_price must be"):
        parse(total_price=price)


@pytest.mark.parametrize(("given_currency", "currency"), [("XTR", "XTR"), ("xtr", "XTR"), ("usd", "USD")])
def test_the_currency_is_upper_case_and_the_coins_own_is_known(given_currency: str, currency: str) -> None:
    assert parse(currency=given_currency).price_currency == currency


def test_a_ticker_is_written_as_the_chain_writes_it() -> None:
    assert parse_order(orjson.dumps(ORDER | {"currency": "usdt"}), "total_price", "USDt").price_currency == "USDt"


@pytest.mark.parametrize(("given_id", "order_id"), [(0, "0"), (2**64 - 1, str(2**64 - 1)), ("gid-7", "gid-7")])
def test_an_id_is_a_number_or_text(given_id: object, order_id: str) -> None:
    assert parse(id=given_id).order_id == order_id


@pytest.mark.parametrize("wrong", [True, 1.5, -1, None, "", "a\nb", "x" * 256, [1], {}])
def test_what_is_no_id_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidInput, match="id must be"):
        parse(id=wrong)


@pytest.mark.parametrize(
    "moment",
    [
        "2024-03-10",
        "2024-03-10T15:00:00",
        "2024-02-31T15:00:00Z",
        "20240310T150000Z",
        "0001-01-01T00:00:00+01:00",
        "",
        7,
    ],
)
def test_a_moment_has_an_offset_and_is_one(moment: object) -> None:
    with pytest.raises(InvalidInput, match="created_at"):
        parse(created_at=moment)


def test_moments_may_have_fractions() -> None:
    assert parse(created_at="2024-03-10t15:00:00.123456789z").created_at.microsecond == 123456


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"id": "\\ud800"}', b"[" * 100_000, b"NaN"])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput, match="the body must be"):
        parse_order(body, "total_price", "XTR")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(name=st.sampled_from(sorted(ORDER)), value=json_values)
def test_no_member_raises_anything_but_a_refusal(name: str, value: object) -> None:
    try:
        body = orjson.dumps(ORDER | {name: value})
    except TypeError:  # half of a surrogate pair cannot be sent
        return
    try:
        draft = parse_order(body, "total_price", "XTR")
    except InvalidInput:
        return
    assert draft.price_amount >= 0
    assert draft.created_at.tzinfo is not None
    for text in (draft.order_id, draft.customer_id, draft.alt_id or "", draft.note or ""):
        text.encode()


@given(body=st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_refusal(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_order(body, "total_price", "XTR")


@given(st.decimals(min_value=0, max_value=10**15 - 1, places=2))
def test_every_price_with_cents_is_read_exactly(price: Decimal) -> None:
    assert parse(total_price=format(price, "f")).price_amount == price
