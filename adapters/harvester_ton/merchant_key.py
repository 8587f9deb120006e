"""What follows from the merchant's KEY: seeds of its Ed25519 keys and the ADNL address of its site."""

from hashlib import pbkdf2_hmac, sha256
from typing import Final, Literal

from nacl.signing import SigningKey

ED25519_KEY_PREFIX: Final = bytes.fromhex("c6b41348")
"""Constructor of TL `pub.ed25519`: a key's id is the SHA-256 of prefix and key."""


def derive_seed(key: bytes, purpose: Literal["meta", "adnl"]) -> bytes:
    """Ed25519 seed (32 bytes) for encryption (`meta`) or the site (`adnl`): PBKDF2-HMAC-SHA256, one iteration."""
    return pbkdf2_hmac("sha256", key, purpose.encode(), 1, 32)


def adnl_address(key: bytes) -> bytes:
    """The ADNL address (32 bytes) of the site that belongs to KEY."""
    public_key = SigningKey(derive_seed(key, "adnl")).verify_key
    return sha256(ED25519_KEY_PREFIX + bytes(public_key)).digest()
