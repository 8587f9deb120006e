"""What a request may hold, without a server."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.api.schemas import DEFAULT_LIMIT, MAX_LIMIT, parse_draft, parse_limit
from harvester.domain.errors import InvalidInput
from harvester.services.invoicing import Draft

BODY: dict[str, Any] = {"amount": "5", "currency": "TON", "life_time": 60, "metadata": {"merchant_name": "m"}}


def parse(**members: Any) -> Draft:
    """Read a body with these members."""
    return parse_draft(json.dumps(BODY | members).encode())


def test_a_draft_holds_what_was_asked_for() -> None:
    metadata = {
        "merchant_name": "m",
        "merchant_url": "u",
        "merchant_logo": "l",
        "mcc_code": 9999,
        "goods": [{"name": "g"}],
    }
    draft = parse(amount="+007", private_info={"a": [1, 2]}, metadata=metadata)
    assert (draft.amount, draft.ticker, draft.life_time_secs) == (7, "TON", 60)
    assert draft.private_info == '{"a":[1,2]}'
    assert json.loads(draft.metadata) == metadata


@given(st.text())
def test_a_merchants_number_is_one_to_255_printable_characters(text: str) -> None:
    storable = text.replace("\0", "")
    if 1 <= len(storable) <= 255 and storable.isprintable():
        draft = parse(order_id=text, customer_id=text)
        assert (draft.order_id, draft.customer_id) == (storable, storable)
    else:
        with pytest.raises(InvalidInput, match="a string of 1 to 255 printable characters"):
            parse(order_id=text)


def test_a_merchants_number_is_not_needed() -> None:
    assert (parse().order_id, parse(order_id=None).order_id, parse(customer_id=None).customer_id) == (None,) * 3
    assert parse(order_id="x" * 255).order_id == "x" * 255


@given(st.integers(1, 10**78 - 1))
def test_every_positive_amount_of_78_digits_is_read(amount: int) -> None:
    assert parse(amount=str(amount)).amount == amount


@given(st.text(max_size=8))
def test_an_amount_is_read_only_if_it_is_ascii_digits(text: str) -> None:
    digits = text.removeprefix("+")
    allowed = digits.isascii() and digits.isdigit() and int(digits) > 0
    try:
        assert parse(amount=text).amount == int(digits)
        assert allowed
    except InvalidInput:
        assert not allowed


@pytest.mark.parametrize("name", ["amount", "currency", "life_time", "metadata"])
def test_a_member_that_is_needed_is_named_when_it_is_missing(name: str) -> None:
    body = {key: value for key, value in BODY.items() if key != name}
    with pytest.raises(InvalidInput, match=name):
        parse_draft(json.dumps(body).encode())


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse(amount="secret" * 1_000)
    assert "secret" not in str(refusal.value)


@given(st.integers(-(10**6), 10**6))
def test_a_limit_is_an_integer_in_its_bounds(number: int) -> None:
    try:
        assert parse_limit(str(number)) == number
        assert 1 <= number <= MAX_LIMIT
    except InvalidInput:
        assert not 1 <= number <= MAX_LIMIT


def test_no_limit_is_the_default_and_a_plus_is_allowed() -> None:
    assert (parse_limit(""), parse_limit("+3"), parse_limit("0003")) == (DEFAULT_LIMIT, 3, 3)
