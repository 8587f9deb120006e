"""Which keys count as a payer's: those that the owner of the account has certified, and no others."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_core_ed25519_add
from nacl.signing import SigningKey

from harvester.domain.errors import InvalidInput
from harvester_ton.address import format_address
from harvester_ton.payer_certificate import read_payer_certificate
from harvester_ton.wallet_address import WALLET_VERSIONS, wallet_address

VERSIONS: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "wallet-versions.json").read_text())
WALLET = SigningKey(bytes(range(32)))
WALLET_KEY = bytes(WALLET.verify_key)
PAYER_KEY = bytes(SigningKey(bytes(32)).verify_key)

P = 2**255 - 19
ORDER_8 = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
BAD_KEYS = {
    "zero": (1).to_bytes(32, "little"),
    "order 2": (P - 1).to_bytes(32, "little"),
    "order 4": bytes(32),
    "order 8": bytes.fromhex(ORDER_8),
    "order 8, the other sign": bytes.fromhex(ORDER_8[:-2] + "fa"),
    "not canonical: y = p": P.to_bytes(32, "little"),
    "not canonical: y = p + 1": (P + 1).to_bytes(32, "little"),
    "not canonical: all ones": b"\xff" * 32,
    "not on the curve": (2).to_bytes(32, "little"),
    "not of the main subgroup": crypto_core_ed25519_add(PAYER_KEY, bytes.fromhex(ORDER_8)),
}


def certificate(
    version: str = "v4R2", key: SigningKey = WALLET, payer_key: bytes = PAYER_KEY, role: bytes = b"meta"
) -> dict[str, object]:
    """What a wallet sends."""
    signed = role + payer_key
    return {
        "wallet_version": version,
        "public_key": bytes(key.verify_key).hex(),
        "cert": (signed + key.sign(signed).signature).hex(),
    }


def refused(account: str, members: dict[str, Any]) -> str:
    """Return why a certificate is refused."""
    with pytest.raises(InvalidInput) as caught:
        read_payer_certificate(account, members)
    return str(caught.value)


ACCOUNT = wallet_address("v4R2", WALLET_KEY)


def test_there_are_the_twelve_versions() -> None:
    assert tuple(VERSIONS) == WALLET_VERSIONS


@pytest.mark.parametrize("version", WALLET_VERSIONS)
def test_addresses_are_those_of_real_wallets(version: str) -> None:
    known = VERSIONS[version]
    assert wallet_address(version, bytes.fromhex(known["example_public_key"])) == known["example_address"]


@given(version=st.sampled_from(WALLET_VERSIONS), seed=st.binary(min_size=32, max_size=32), upper=st.booleans())
def test_a_certificate_of_any_version_is_taken_in_any_form_of_the_address(
    version: str, seed: bytes, upper: bool
) -> None:
    key = SigningKey(seed)
    members = certificate(version, key)
    if upper:
        members |= {name: str(members[name]).upper() for name in ("public_key", "cert")}
    address = wallet_address(version, bytes(key.verify_key))
    forms = [
        address,
        address.upper(),
        *(format_address(address, bounceable=bounceable) for bounceable in (True, False)),
    ]
    for form in forms:
        found = read_payer_certificate(form, members)
        assert (found.address, found.key) == (address, PAYER_KEY)


@pytest.mark.parametrize("bad", BAD_KEYS.values(), ids=BAD_KEYS.keys())
def test_keys_of_low_order_or_of_two_forms_are_refused_in_both_places(bad: bytes) -> None:
    assert "key in cert" in refused(ACCOUNT, certificate(payer_key=bad))
    for version in ("v1R1", "v4R2"):
        members = certificate(version) | {"public_key": bad.hex()}
        assert "public_key must be an Ed25519" in refused(wallet_address(version, bad), members)


@pytest.mark.parametrize("name", ["wallet_version", "public_key", "cert"])
@pytest.mark.parametrize(
    "value", [None, 5, [], {}, "", "zz", "00 ", "v4r2", "V4R2", "\u0660" * 64, "00" * 33, "00" * 4096]
)
def test_a_member_that_is_no_such_thing_is_named(name: str, value: object) -> None:
    assert name in refused(ACCOUNT, certificate() | {name: value})
    assert name in refused(ACCOUNT, {key: member for key, member in certificate().items() if key != name})


def test_an_account_that_is_not_of_this_wallet_is_refused() -> None:
    members = certificate()
    for account in (
        wallet_address("v4R1", WALLET_KEY),
        wallet_address("v4R2", bytes(SigningKey(bytes(32)).verify_key)),
        ACCOUNT.replace("0:", "-1:", 1),
    ):
        assert "the account must be" in refused(account, members)
    assert "TON address" in refused("nobody", members)
    assert "the account must be" in refused(ACCOUNT, members | {"wallet_version": "v5R1"})


def test_a_certificate_for_another_role_is_refused() -> None:
    assert "meta" in refused(ACCOUNT, certificate(role=b"adnl"))


@given(at=st.integers(4, 99), bit=st.integers(0, 7))
def test_a_changed_bit_is_noticed(at: int, bit: int) -> None:
    members = certificate()
    cert = bytearray.fromhex(str(members["cert"]))
    cert[at] ^= 1 << bit
    assert "signed" in refused(ACCOUNT, members | {"cert": cert.hex()})


def test_a_certificate_signed_by_somebody_else_is_refused() -> None:
    other = SigningKey(b"\x01" * 32)
    members = certificate(key=other) | {"public_key": WALLET_KEY.hex()}
    assert "signed" in refused(ACCOUNT, members)
