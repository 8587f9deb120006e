"""Signatures: what a key signs verifies, and nothing else does."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.domain.errors import InvalidInput
from harvester_tari import ristretto, schnorr
from harvester_tari.ristretto import ORDER
from harvester_tari.schnorr import SecretKey, Signature
from tests.tari.builders import KEY, OTHER_KEY, keys, texts

DOMAIN = "MemoSignature"
SIGNATURE = KEY.sign(DOMAIN, "hello")


def verify(text: str, message: str = "hello", key: bytes = KEY.public_key) -> bool:
    """Return whether the hex digits are a signature; False also if they are none at all."""
    try:
        return schnorr.verify(DOMAIN, key, message, Signature.parse(text))
    except InvalidInput:
        return False


@given(keys, texts)
def test_what_a_key_signs_verifies_by_that_key_in_that_domain_only(key: SecretKey, message: str) -> None:
    signature = key.sign(DOMAIN, message)
    assert schnorr.verify(DOMAIN, key.public_key, message, signature)
    assert Signature.parse(signature.to_hex()) == Signature.parse(signature.to_hex().upper()) == signature
    assert not schnorr.verify("WalletSignature", key.public_key, message, signature)
    assert not schnorr.verify(DOMAIN, key.public_key, message + " ", signature)
    if key.public_key != OTHER_KEY.public_key:
        assert not schnorr.verify(DOMAIN, OTHER_KEY.public_key, message, signature)


@given(st.integers(0, 63), st.integers(1, 255))
def test_any_damaged_byte_of_a_signature_is_refused(place: int, damage: int) -> None:
    damaged = bytearray.fromhex(SIGNATURE.to_hex())
    damaged[place] ^= damage
    assert verify(SIGNATURE.to_hex())
    assert not verify(damaged.hex())


def test_two_signatures_of_one_message_share_nothing() -> None:
    again = KEY.sign(DOMAIN, "hello")
    assert again.nonce_point != SIGNATURE.nonce_point
    assert again.scalar != SIGNATURE.scalar


def test_a_scalar_in_another_encoding_is_refused() -> None:
    scalar = int.from_bytes(SIGNATURE.scalar, "little")
    for number in (scalar + ORDER, scalar + (1 << 255)):
        text = SIGNATURE.nonce_point.hex() + number.to_bytes(32, "little").hex()
        with pytest.raises(InvalidInput):
            Signature.parse(text)


@pytest.mark.parametrize("number", [ORDER, ORDER + 1, 2 * ORDER, (1 << 256) - 1])
def test_a_number_from_the_order_up_is_no_scalar(number: int) -> None:
    assert not ristretto.is_scalar(number.to_bytes(32, "little"))
    with pytest.raises(InvalidInput):
        SecretKey.parse(number.to_bytes(32, "little").hex())
    assert ristretto.is_scalar((ORDER - 1).to_bytes(32, "little"))


@given(st.binary(min_size=32, max_size=32))
def test_a_nonce_point_that_is_none_is_refused(data: bytes) -> None:
    try:
        Signature(data, SIGNATURE.scalar)
    except InvalidInput:
        assert not ristretto.is_point(data)
    else:
        assert ristretto.is_point(data)


def test_the_identity_signs_nothing_although_anybody_knows_its_secret() -> None:
    scalar = (7).to_bytes(32, "little")
    forged = Signature(ristretto.multiply_base(scalar), scalar)  # s·G = R + e·0
    assert not schnorr.verify(DOMAIN, bytes(32), "hello", forged)
    with pytest.raises(InvalidInput):
        SecretKey.parse("00" * 32)


@pytest.mark.parametrize("key", [b"\xff" * 32, b"\x01" + bytes(31), bytes(31) + b"\x80", bytes(31), b""])
def test_what_is_no_point_signs_nothing(key: bytes) -> None:
    # libsodium takes the product with it for the identity: the same forgery.
    scalar = (7).to_bytes(32, "little")
    assert not schnorr.verify(DOMAIN, key, "hello", Signature(ristretto.multiply_base(scalar), scalar))


@given(keys)
def test_a_point_has_one_encoding(key: SecretKey) -> None:
    point = int.from_bytes(key.public_key, "little")
    assert ristretto.is_point(key.public_key)
    others = {point | 1 << 255, 2**255 - 19 - point, (point + 2**255 - 19) % (1 << 256)}
    assert not any(ristretto.is_point(other.to_bytes(32, "little")) for other in others)


def test_the_group_refuses_what_is_no_point() -> None:
    for compute in (ristretto.add, ristretto.multiply):
        with pytest.raises(ValueError, match="not a point"):
            compute(KEY.public_key if compute is ristretto.add else b"\x02" + bytes(31), b"\xff" * 32)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "foobar",
        SIGNATURE.to_hex()[:-1],
        SIGNATURE.to_hex() + "0",
        " " + SIGNATURE.to_hex()[:-1],
        "0x" + SIGNATURE.to_hex()[:-2],
        SIGNATURE.to_hex() + "\n",
        "é" * 64,
        "é" * 128,
        "٣" * 128,
        "a" * 63 + "é" + "a" * 63,
    ],
)
def test_what_is_not_128_hex_digits_is_no_signature(text: str) -> None:
    with pytest.raises(InvalidInput, match="128 hex digits"):
        Signature.parse(text)


@given(st.text(max_size=140) | st.text("0123456789abcdefABCDEF", min_size=128, max_size=128))
def test_any_text_is_a_signature_or_refused_and_nothing_worse(text: str) -> None:
    try:
        signature = Signature.parse(text)
    except InvalidInput:
        return
    assert signature.to_hex() == text.lower()


@given(st.text(max_size=70) | st.text("0123456789abcdef", min_size=64, max_size=64))
def test_a_text_that_is_no_key_is_refused_and_not_repeated(text: str) -> None:
    try:
        assert SecretKey.parse(text).reveal() == text.lower()
    except InvalidInput as error:
        assert len(text) < 5 or text not in str(error)  # noqa: PT017 - both outcomes are right


def test_neither_secrets_nor_signatures_are_shown() -> None:
    assert KEY.reveal() not in repr(KEY)
    assert SIGNATURE.to_hex()[:16] not in repr(SIGNATURE)
    with pytest.raises(AttributeError):
        SIGNATURE.scalar = b""  # type: ignore[misc] # that it cannot be set is the test
    assert pickle.loads(pickle.dumps(SIGNATURE)) == SIGNATURE  # noqa: S301 - our own


def test_loading_leaves_no_copy_of_the_library_behind() -> None:
    import sys
    from pathlib import Path

    assert not Path(sys.modules["rbcl._sodium"].lib_path).exists()
