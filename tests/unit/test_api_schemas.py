"""What a request may hold, without a server."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.api.schemas import (
    DEFAULT_LIMIT,
    MAX_GOODS,
    MAX_LIMIT,
    MAX_LOGO,
    MAX_METADATA_BYTES,
    MAX_TEXT,
    parse_draft,
    parse_limit,
)
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


@pytest.mark.parametrize("code", [0, 1, 742, 9999])
def test_a_merchants_category_is_a_number_of_four_digits_in_and_out(code: int) -> None:
    assert json.loads(parse(metadata={"merchant_name": "m", "mcc_code": code}).metadata)["mcc_code"] == code


@pytest.mark.parametrize("code", [-1, 10_000, "0742", 742.5, True, [742]])
def test_a_merchants_category_is_nothing_else(code: object) -> None:
    with pytest.raises(InvalidInput, match=r"metadata\.mcc_code"):
        parse(metadata={"merchant_name": "m", "mcc_code": code})


@pytest.mark.parametrize(
    ("members", "longest"),
    [
        ({"merchant_name": "x" * MAX_TEXT}, "merchant_name"),
        ({"merchant_url": "x" * MAX_TEXT}, "merchant_url"),
        ({"merchant_logo": "x" * MAX_LOGO}, "merchant_logo"),
        ({"goods": [{"name": "x" * MAX_TEXT}]}, "goods.0.name"),
        ({"goods": [{"name": "x"}] * MAX_GOODS}, "goods"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_was_bought_is_bounded_in_each_part(members: dict[str, Any], longest: str) -> None:
    assert parse(metadata={"merchant_name": "m"} | members)
    ((name, value),) = members.items()
    more = [{"name": "x" * (MAX_TEXT + 1)}] if longest == "goods.0.name" else value + value[:1]
    with pytest.raises(InvalidInput, match=rf"metadata\.{longest}"):
        parse(metadata={"merchant_name": "m"} | {name: more})


def test_what_was_bought_is_bounded_as_a_whole() -> None:
    fixed = len(parse(metadata={"merchant_name": "m", "goods": [{"name": ""}] * 40}).metadata)
    fill = (MAX_METADATA_BYTES - fixed) // 40
    goods = [{"name": "x" * fill}] * 39
    last = MAX_METADATA_BYTES - fixed - 39 * fill
    assert len(parse(metadata={"merchant_name": "m", "goods": [*goods, {"name": "x" * last}]}).metadata) == 1 << 16
    with pytest.raises(InvalidInput, match="65536 bytes"):
        parse(metadata={"merchant_name": "m", "goods": [*goods, {"name": "x" * (last + 1)}]})


def test_members_that_nobody_knows_yet_are_no_mistake() -> None:
    metadata = {"merchant_name": "m", "tip": 5, "goods": [{"name": "g", "price": "5"}]}
    assert json.loads(parse(metadata=metadata).metadata) == {
        "goods": [{"name": "g"}],
        "mcc_code": 0,
        "merchant_name": "m",
    }
