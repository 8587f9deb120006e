"""Claims: who may say that an order is his."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.domain.errors import InvalidInput
from harvester_tari.address import Address, Network
from harvester_tari.claims import Claim, find_claimant, parse_claim
from harvester_tari.schnorr import SecretKey
from harvester_tari.strict_json import write_compact
from tests.tari.builders import (
    ADDRESS,
    DUAL_ADDRESS,
    KEY,
    MAINNET,
    OTHER_ADDRESS,
    OTHER_KEY,
    addresses,
    keys,
    order_ids,
)
from tests.tari.vectors import body_of, vector

CLAIM = Claim.sign(KEY, ADDRESS, "order10256")


def body(**changes: object) -> bytes:
    """Return the body of a claim that is signed, but for the changes."""
    return json.dumps(CLAIM.to_members() | changes).encode()


@given(keys, addresses, order_ids)
def test_what_an_owner_signs_is_read_and_signed(key: SecretKey, form: Address, order_id: str) -> None:
    address = replace(form, spend_key=key.public_key)
    claim = Claim.sign(key, address, order_id)
    read = parse_claim(write_compact(claim.to_members()), form.network)
    assert read == claim
    assert read.is_signed()


def test_the_worked_example_of_the_wire_format() -> None:
    example = b"""{"address":"145yntp6GHTuDuTVPtbyPdo8rVjRppjdfyoxZeY958kh1Mn","order_id":"order10256",
      "signature":"6689435195fda30c9c3805b844b45adadac2d5b5ca647dca342531e50bd5ff658b0aa458d184e720a6fcd5c7be4efec65e7e7e78e1c86003bf00147962cb540d"}"""
    assert parse_claim(example, MAINNET).is_signed()


@pytest.mark.parametrize("form", [str(ADDRESS), ADDRESS.to_hex(), ADDRESS.to_emoji()], ids=["base58", "hex", "emoji"])
def test_the_address_may_be_written_in_any_form(form: str) -> None:
    assert parse_claim(body(address=form), MAINNET).is_signed()


def test_unknown_names_are_skipped() -> None:
    assert parse_claim(body(extra=1.5, more={"a": [1]}), MAINNET).is_signed()


@pytest.mark.parametrize(
    "changes",
    [
        {"order_id": "order10257"},
        {"address": str(OTHER_ADDRESS)},
        {"address": str(DUAL_ADDRESS)},
        {"address": str(Address(MAINNET, 2, KEY.public_key))},
        {"signature": Claim.sign(OTHER_KEY, ADDRESS, "order10256").signature.to_hex()},
    ],
    ids=["order", "another owner", "another form", "other features", "another key"],
)
def test_a_claim_that_somebody_else_signed_or_that_was_for_something_else_is_not_signed(
    changes: dict[str, str],
) -> None:
    assert not parse_claim(body(**changes), MAINNET).is_signed()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"signature": "foobar"}, "128 hex digits"),
        ({"signature": "é" * 64}, "128 hex digits"),
        ({"signature": "é" * 128}, "128 hex digits"),
        ({"signature": None}, "signature must be text"),
        ({"address": "14"}, "a Tari address is"),
        ({"address": {"Single": {}}}, "address must be text"),
        ({"address": str(Address(Network.ESMERALDA, 3, KEY.public_key))}, "esmeralda"),
        ({"order_id": ""}, "1 to 255 printable"),
        ({"order_id": "x" * 256}, "1 to 255 printable"),
        ({"order_id": "a\x00b"}, "1 to 255 printable"),
        ({"order_id": "a\nb"}, "1 to 255 printable"),
        ({"order_id": 7}, "order_id must be text"),
        ({"order_id": "\ud800"}, "surrogate"),
    ],
)
def test_what_is_no_claim_is_refused_with_what_is_allowed(changes: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        parse_claim(body(**changes), MAINNET)


def test_a_claim_wrapped_in_another_object_is_none() -> None:
    with pytest.raises(InvalidInput):
        parse_claim(json.dumps({"claim": CLAIM.to_members()}), MAINNET)


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_body_is_refused_or_not_signed_or_the_same_claim(place: int, value: int) -> None:
    damaged = bytearray(body())
    damaged[place % len(damaged)] = value
    try:
        claim = parse_claim(bytes(damaged), MAINNET)
    except InvalidInput:
        return
    assert claim == CLAIM or not claim.is_signed()


def test_the_note_of_an_order_claims_exactly_that_order() -> None:
    note = write_compact(CLAIM.to_members())
    assert find_claimant(note, "order10256", MAINNET) == ADDRESS
    assert find_claimant(f" {note}\n", "order10256", MAINNET) == ADDRESS


@pytest.mark.parametrize(
    ("note", "order_id"),
    [
        (None, "order10256"),
        ("", "order10256"),
        ("leave it with the neighbours", "order10256"),
        ("{}", "order10256"),
        ("x" + write_compact(CLAIM.to_members()), "order10256"),
        (write_compact(CLAIM.to_members()), "order10257"),
        (write_compact(CLAIM.to_members() | {"address": str(OTHER_ADDRESS)}), "order10256"),
        (body_of(vector("synthetic: memo, dual address, esmeralda")).decode(), "#1006"),
    ],
    ids=["none", "empty", "words", "object", "more than it", "another order", "another address", "another network"],
)
def test_any_other_note_claims_nothing(note: str | None, order_id: str) -> None:
    assert find_claimant(note, order_id, MAINNET) is None


@given(st.text())
def test_no_note_can_fail_an_order(note: str) -> None:
    assert find_claimant(note, "order10256", MAINNET) is None
