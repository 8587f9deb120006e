"""What follows from the merchant's KEY: seeds of its Ed25519 keys and the ADNL address of its site."""

from base64 import b32encode
from binascii import crc_hqx
from hashlib import pbkdf2_hmac, sha256
from typing import Final, Literal

from nacl.signing import SigningKey

ED25519_KEY_PREFIX: Final = bytes.fromhex("c6b41348")
"""Constructor of TL `pub.ed25519`: a key's id is the SHA-256 of prefix and key."""

_ADNL_TAG: Final = b"\x2d"


def derive_seed(key: bytes, purpose: Literal["meta", "adnl"]) -> bytes:
    """Ed25519 seed (32 bytes) for encryption (`meta`) or the site (`adnl`): PBKDF2-HMAC-SHA256, one iteration."""
    return pbkdf2_hmac("sha256", key, purpose.encode(), 1, 32)


def adnl_address(key: bytes) -> bytes:
    """The ADNL address (32 bytes) of the site that belongs to KEY."""
    public_key = SigningKey(derive_seed(key, "adnl")).verify_key
    return sha256(ED25519_KEY_PREFIX + bytes(public_key)).digest()


def site_name(adnl_address: bytes) -> str:
    """The host name of a site without a domain, as browsers in TON take it: 55 characters and `.adnl`.

    Base32 of tag, address and CRC-16 (XMODEM), without the first letter, which is the same for all.
    """
    tagged = _ADNL_TAG + adnl_address
    return b32encode(tagged + crc_hqx(tagged, 0).to_bytes(2)).decode()[1:].lower() + ".adnl"
