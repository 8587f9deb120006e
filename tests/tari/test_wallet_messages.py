"""What hot wallets tell, over what exactly they sign, and what is refused before that."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.domain.errors import InvalidInput
from harvester_tari import emoji, schnorr
from harvester_tari.address import Address, Network
from harvester_tari.schnorr import SecretKey
from harvester_tari.strict_json import write_compact
from harvester_tari.wallet_messages import (
    IncomingPayment,
    TxConfirmation,
    WalletMessage,
    parse_incoming_payment,
    parse_tx_confirmation,
)
from tests.tari.builders import (
    ADDRESS,
    DUAL_ADDRESS,
    KEY,
    MAINNET,
    NOBODYS,
    OTHER_ADDRESS,
    OTHER_KEY,
    keys,
    nonces,
    paying,
    payments,
    txids,
)

PAYMENT = paying("order #12345")
MESSAGE = WalletMessage.sign(OTHER_KEY, OTHER_ADDRESS, 1, PAYMENT)
CONFIRMATION = WalletMessage.sign(OTHER_KEY, OTHER_ADDRESS, 2, TxConfirmation("payment001"))


def body(payment: dict[str, Any] | None = None, auth: dict[str, Any] | None = None) -> bytes:
    """Return the body of a payment that is signed, but for the changes."""
    members: Any = MESSAGE.to_members()
    return json.dumps(
        {"payment": members["payment"] | (payment or {}), "auth": members["auth"] | (auth or {})}
    ).encode()


@given(keys, nonces, payments)
def test_a_payment_that_a_wallet_signs_is_read_and_signed(key: SecretKey, nonce: int, payment: IncomingPayment) -> None:
    message = WalletMessage.sign(key, Address(MAINNET, 3, key.public_key), nonce, payment)
    read = parse_incoming_payment(write_compact(message.to_members()).encode(), None)
    assert read == message
    assert read.is_signed()


@given(keys, nonces, txids)
def test_a_confirmation_that_a_wallet_signs_is_read_and_signed(key: SecretKey, nonce: int, txid: str) -> None:
    message = WalletMessage.sign(key, Address(MAINNET, 3, key.public_key), nonce, TxConfirmation(txid))
    read = parse_tx_confirmation(write_compact(message.to_members()).encode(), MAINNET)
    assert read == message
    assert read.is_signed()


def test_exactly_this_text_is_signed() -> None:
    payment = IncomingPayment(DUAL_ADDRESS, 7, "t-2", 'é "q" \\ /\t\x01\x7f 🐢', None)
    text = (
        f"{OTHER_ADDRESS.to_emoji()}:-5:"
        f'{{"sender":"{DUAL_ADDRESS}","amount":7,"txid":"t-2",'
        '"memo":"é \\"q\\" \\\\ /\\t\\u0001\x7f 🐢","order_id":null}'
    )
    message = WalletMessage(payment, OTHER_ADDRESS, -5, OTHER_KEY.sign("WalletSignature", text))
    assert message.is_signed()


def test_the_order_of_names_the_form_of_addresses_and_unknown_names_are_free() -> None:
    members: Any = json.loads(body())
    members["payment"] = dict(reversed(members["payment"].items())) | {"sender": ADDRESS.to_hex(), "fee": 1.5}
    members["auth"] |= {"address": OTHER_ADDRESS.to_emoji(), "note": None}
    del members["payment"]["order_id"]
    assert parse_incoming_payment(json.dumps(members | {"more": []}).encode(), MAINNET).is_signed()


@pytest.mark.parametrize(
    ("payment", "auth"),
    [
        ({"amount": 2_500_000_001}, {}),
        ({"sender": str(OTHER_ADDRESS)}, {}),
        ({"sender": str(DUAL_ADDRESS)}, {}),
        ({"txid": "payment002"}, {}),
        ({"memo": None}, {}),
        ({"memo": "order #12346"}, {}),
        ({"order_id": ""}, {}),
        ({"order_id": "x"}, {}),
        ({}, {"nonce": 2}),
        ({}, {"address": str(ADDRESS)}),
        ({}, {"signature": CONFIRMATION.signature.to_hex()}),
    ],
)
def test_a_payment_that_was_changed_is_not_signed(payment: dict[str, Any], auth: dict[str, Any]) -> None:
    assert parse_incoming_payment(body(), MAINNET).is_signed()
    assert not parse_incoming_payment(body(payment, auth), MAINNET).is_signed()


def test_a_wallet_signs_for_the_form_of_its_address_that_it_names() -> None:
    other_form = Address(MAINNET, 1, OTHER_KEY.public_key)
    assert not parse_incoming_payment(body(auth={"address": str(other_form)}), MAINNET).is_signed()
    assert other_form.payer == OTHER_ADDRESS.payer


def test_a_wallet_with_the_older_table_of_emoji_is_believed_too() -> None:
    text = f"{OTHER_ADDRESS.to_emoji(emoji.OLDER_SYMBOLS)}:1:{PAYMENT.payload()}"
    assert text.startswith("🦋")
    old = WalletMessage(PAYMENT, OTHER_ADDRESS, 1, OTHER_KEY.sign("WalletSignature", text))
    assert old.is_signed()
    assert not WalletMessage(PAYMENT, OTHER_ADDRESS, 2, old.signature).is_signed()


def test_a_claim_is_no_message_of_a_wallet() -> None:
    text = f"{OTHER_ADDRESS.to_emoji()}:1:{PAYMENT.payload()}"
    assert not WalletMessage(PAYMENT, OTHER_ADDRESS, 1, OTHER_KEY.sign("MemoSignature", text)).is_signed()


def test_nobody_signs_as_nobody() -> None:
    assert not WalletMessage(PAYMENT, NOBODYS, 1, MESSAGE.signature).is_signed()


@pytest.mark.parametrize(
    ("payment", "says"),
    [
        ({"amount": 0}, "more than 0"),
        ({"amount": -1}, "more than 0"),
        ({"amount": -(1 << 63)}, "more than 0"),
        ({"amount": 1 << 63}, r"payment\.amount must be a whole number of 64 bits"),
        ({"amount": 1.0}, "64 bits"),
        ({"amount": True}, "64 bits"),
        ({"amount": "1"}, "64 bits"),
        ({"amount": None}, "64 bits"),
        ({"txid": ""}, "txid must be 1 to 255"),
        ({"txid": "x" * 256}, "txid must be 1 to 255"),
        ({"txid": "a b"}, "txid must be 1 to 255"),
        ({"txid": "a\n"}, "txid must be 1 to 255"),
        ({"txid": "é"}, "txid must be 1 to 255"),
        ({"txid": 7}, r"payment\.txid must be text"),
        ({"sender": "x"}, "a Tari address is"),
        ({"sender": str(Address(Network.NEXTNET, 3, KEY.public_key))}, "is of nextnet, here is mainnet"),
        ({"memo": 7}, r"payment\.memo must be text"),
        ({"memo": "\udc00"}, "surrogate"),
        ({"order_id": []}, r"payment\.order_id must be text"),
    ],
)
def test_a_payment_that_cannot_be_one_is_refused(payment: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        parse_incoming_payment(body(payment), MAINNET)


@pytest.mark.parametrize(
    ("auth", "says"),
    [
        ({"nonce": 1 << 63}, "64 bits"),
        ({"nonce": 1.0}, "64 bits"),
        ({"nonce": None}, "64 bits"),
        ({"signature": "é" * 64}, "128 hex digits"),
        ({"signature": "00"}, "128 hex digits"),
        ({"signature": "f" * 128}, "none of ristretto255"),
        ({"address": str(Address(Network.IGOR, 3, KEY.public_key))}, "is of igor"),
        ({"address": None}, r"auth\.address must be text"),
    ],
)
def test_an_authorisation_that_cannot_be_one_is_refused(auth: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        parse_incoming_payment(body(auth=auth), MAINNET)


def test_each_route_takes_its_own_message_only() -> None:
    with pytest.raises(InvalidInput, match="confirmation must be an object"):
        parse_tx_confirmation(body(), MAINNET)
    with pytest.raises(InvalidInput, match="payment must be an object"):
        parse_incoming_payment(write_compact(CONFIRMATION.to_members()).encode(), MAINNET)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=5_000))
def test_any_memo_is_taken_as_it_is(memo: str) -> None:
    assert parse_incoming_payment(body({"memo": memo}), MAINNET).content.memo == memo


@given(st.integers(0, 600), st.integers(0, 255))
def test_a_damaged_body_is_refused_or_not_signed_or_the_same_message(place: int, value: int) -> None:
    damaged = bytearray(body())
    damaged[place % len(damaged)] = value
    try:
        message = parse_incoming_payment(bytes(damaged), MAINNET)
    except InvalidInput:
        return
    assert message == MESSAGE or not message.is_signed()


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_and_nothing_worse(data: bytes) -> None:
    for parse in (parse_incoming_payment, parse_tx_confirmation):
        with pytest.raises(InvalidInput):
            parse(data, MAINNET)


def test_a_signature_is_not_shown_with_its_message() -> None:
    assert MESSAGE.signature.to_hex()[:16] not in repr(MESSAGE)


def test_a_signature_of_the_right_length_in_other_letters_is_refused() -> None:
    with pytest.raises(InvalidInput, match="128 hex digits"):
        schnorr.Signature.parse("ß" * 128)
