"""Encrypting purchase metadata for the payer: the scheme of TON's encrypted comments, with a constant salt.

    n = 16 + what text lacks to whole blocks; plain = byte n ‖ n - 1 random bytes ‖ text
    msg_key = HMAC-SHA512(salt, plain)[:16]; x = HMAC-SHA512(shared secret, msg_key)
    result = (our public key XOR theirs) ‖ msg_key ‖ AES-256-CBC of plain with key x[:32] and iv x[32:48], no padding

The shared secret is X25519 of both Ed25519 keys, converted as libsodium does. The receiver knows the merchant's key
once he has taken his own off by XOR, and authenticates the text with msg_key.
"""

import hmac
from collections.abc import Callable, Mapping
from os import urandom
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from nacl.bindings import crypto_scalarmult
from nacl.signing import SigningKey, VerifyKey

from harvester.chain import PayerKey
from harvester_ton.merchant_key import derive_seed
from harvester_ton.payer_certificate import read_payer_certificate

_SALT: Final = b"EQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAM9c"
"""A comment is salted with its sender's address; metadata has none, which is the account of all zeros."""
_BLOCK: Final = 16
_MSG_KEY_BYTES: Final = 16


class MetadataSealer:
    """Implements `harvester.chain.Sealer` for the owner of a KEY."""

    def __init__(self, key: bytes, random_bytes: Callable[[int], bytes] = urandom) -> None:
        """`key`: the merchant's KEY, 32 bytes."""
        signing_key = SigningKey(derive_seed(key, "meta"))
        self.public_key = bytes(signing_key.verify_key)
        self._secret = bytes(signing_key.to_curve25519_private_key())
        self._random_bytes = random_bytes

    def payer_key(self, account: str, members: Mapping[str, object]) -> PayerKey:
        """See `harvester.chain.Sealer`."""
        return read_payer_certificate(account, members)

    def seal(self, text: bytes, payer_key: bytes) -> bytes:
        """See `harvester.chain.Sealer`. `payer_key` is one that `payer_key()` let through."""
        size = _BLOCK + -len(text) % _BLOCK
        plain = bytes((size,)) + self._random_bytes(size - 1) + text
        shared = crypto_scalarmult(self._secret, bytes(VerifyKey(payer_key).to_curve25519_public_key()))
        msg_key = hmac.digest(_SALT, plain, "sha512")[:_MSG_KEY_BYTES]
        x = hmac.digest(shared, msg_key, "sha512")
        encryptor = Cipher(AES256(x[:32]), CBC(x[32:48])).encryptor()
        whose = bytes(ours ^ theirs for ours, theirs in zip(self.public_key, payer_key, strict=True))
        return whose + msg_key + encryptor.update(plain) + encryptor.finalize()
