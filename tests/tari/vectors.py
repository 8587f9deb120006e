"""Test data of the existing server, and how each kind of it is judged (`data/vectors.json`)."""

import base64
import json
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from harvester.domain.errors import InvalidInput
from harvester_tari import ristretto, schnorr
from harvester_tari.address import Address, Network, parse_address
from harvester_tari.schnorr import SecretKey, Signature
from harvester_tari.strict_json import write_compact
from harvester_tari.verify_command import find_fault

ELSEWHERE: Final = {"shopify_hmac"}
"""Kinds that are not of this adapter."""
Vector = Mapping[str, Any]


def vectors() -> list[dict[str, Any]]:
    """Return all of this adapter."""
    found = json.loads((Path(__file__).parent / "data" / "vectors.json").read_text())["vectors"]
    return [vector for vector in found if vector["kind"] not in ELSEWHERE]


def vector(name: str) -> dict[str, Any]:
    """Return the one with this id."""
    (found,) = (vector for vector in vectors() if vector["id"] == name)
    return found


def body_of(found: Vector) -> bytes:
    """Return the claim or the wallet's message of a vector as it is sent over HTTP."""
    names = ("address", "order_id", "signature", "payment", "confirmation", "auth")
    return json.dumps({name: found[name] for name in names if name in found}).encode()


def is_valid(found: Vector) -> bool:
    """Return what this program says of a vector."""
    try:
        return _JUDGES[found["kind"]](found)
    except InvalidInput:
        return False


def _message(found: Vector) -> bool:
    return find_fault(body_of(found)) is None


def _address(found: Vector) -> bool:
    address = parse_address(found["base58"])
    forms = {"base58": str(address), "hex": address.to_hex(), "emoji": address.to_emoji()}
    if "secret_key" in found:
        key = SecretKey.parse(found["secret_key"])
        forms |= {"public_key": address.spend_key.hex()}
        assert Address(Network.MAINNET, 3, key.public_key) == address
    return all(found.get(name, form) == form for name, form in forms.items())


def _key_pair(found: Vector) -> bool:
    return SecretKey.parse(found["secret_key"]).public_key == bytes.fromhex(found["public_key"])


def _schnorr(found: Vector) -> bool:
    signature = Signature(bytes.fromhex(found["R"]), bytes.fromhex(found["s"]))
    return schnorr.verify(found["domain"], bytes.fromhex(found["public_key"]), found["message"], signature)


def _challenge_hash(found: Vector) -> bool:
    points = (bytes.fromhex(found["R"]), bytes.fromhex(found["public_key"]))
    return schnorr.hash_challenge(found["domain"], *points, found["message"]) == bytes.fromhex(found["hash"])


def _login(found: Vector) -> bool:
    text, _, signature = found["token"].rpartition(".")
    claims = json.loads(_base64url(text.partition(".")[2]))
    key = bytes.fromhex(claims["address"]["Single"]["public_spend_key"])
    return schnorr.verify("com.tari.jwt-ristretto", key, text, Signature.parse(_base64url(signature).hex()))


def _base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _memo_over_hex(found: Vector) -> bool:
    address = parse_address(found["address"])
    text = f"{address.to_hex()}:{found['order_id']}"
    return schnorr.verify("MemoSignature", address.spend_key, text, Signature.parse(found["signature"]))


def _memo_of_old_address(found: Vector) -> bool:
    """Old addresses were a key and a checksum."""
    text, key = f"{found['address']}:{found['order_id']}", bytes.fromhex(found["address"])[:-1]
    return schnorr.verify("MemoSignature", key, text, Signature.parse(found["signature"]))


def _confirmation_of_old_address(found: Vector) -> bool:
    address, auth = bytes.fromhex(found["auth"]["address"]), found["auth"]
    emoji = "".join(found["emoji_table"][value] for value in address)
    text = f"{emoji}:{auth['nonce']}:{write_compact(found['confirmation'])}"
    return schnorr.verify("WalletSignature", address[:-1], text, Signature.parse(auth["signature"]))


def _address_of_nobody(found: Vector) -> bool:
    """The existing server gives a customer an address whose secret nobody knows; such are read as any other."""
    guess = bytearray(blake2b(found["customer_id"].encode()).digest()[:32])
    guess[:8], guess[31] = bytes.fromhex("000000ba5e4d0000"), 0
    while not ristretto.is_point(bytes(guess)):
        guess[24:] = (int.from_bytes(guess[24:]) + 1).to_bytes(8)
    address = parse_address(found["hex"])
    return address == Address(Network.MAINNET, 2, bytes(guess)) and str(address) == found["base58"]


_JUDGES: Final[Mapping[str, Callable[[Vector], bool]]] = {
    "memo": _message,
    "wallet_payment": _message,
    "wallet_confirmation": _message,
    "address": _address,
    "keypair": _key_pair,
    "schnorr": _schnorr,
    "challenge_hash": _challenge_hash,
    "login_jwt": _login,
    "legacy_memo_hex35": _memo_over_hex,
    "legacy_memo": _memo_of_old_address,
    "legacy_wallet_confirmation": _confirmation_of_old_address,
    "dummy_address": _address_of_nobody,
}
