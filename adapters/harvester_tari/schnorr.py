"""Schnorr signatures on ristretto255 with a domain, as Tari wallets make them.

With nonce point R, public key P, message m, `len` a length in 8 little-endian bytes and
tag = domain + ".v1.challenge":

    h = BLAKE2b-512( len tag ‖ tag ‖ len R ‖ R ‖ len P ‖ P ‖ len m ‖ m ),  e = h mod ORDER (little-endian)
    valid: P is not the identity, and s·G = R + e·P

Verifying compares what is public only; what is done with secrets takes constant time in libsodium.
"""

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Self

from harvester.domain.errors import InvalidInput
from harvester_tari import ristretto
from harvester_tari.ristretto import IDENTITY, SIZE

_KEY: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_SIGNATURE: Final = re.compile(r"[0-9a-fA-F]{128}", re.ASCII)


@dataclass(frozen=True, slots=True, repr=False)
class Signature:
    """A signature whose parts are canonical. Its repr says nothing: signatures do not belong into logs."""

    nonce_point: bytes
    """R: a point."""
    scalar: bytes
    """s: a scalar."""

    def __post_init__(self) -> None:
        if not (ristretto.is_point(self.nonce_point) and ristretto.is_scalar(self.scalar)):
            raise InvalidInput(
                "this signature is none of ristretto255: its first half must be a point, its second a scalar"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the signature that 128 hex digits are: R, then s.

        Raises:
            InvalidInput: it is none; the message says what is allowed.
        """
        if not _SIGNATURE.fullmatch(text):
            raise InvalidInput("a signature is 128 hex digits")
        data = bytes.fromhex(text)
        return cls(data[:SIZE], data[SIZE:])

    def to_hex(self) -> str:
        """Return the 128 lower-case hex digits that wallets send."""
        return (self.nonce_point + self.scalar).hex()

    def __repr__(self) -> str:
        return "Signature(…)"


class SecretKey:
    """A key that signs. The daemon never has one: they are for tests, support and the demo."""

    __slots__ = ("_scalar", "public_key")

    def __init__(self, scalar: bytes) -> None:
        """`scalar`: canonical and not 0, or InvalidInput is raised."""
        if not ristretto.is_scalar(scalar) or scalar == IDENTITY:
            raise InvalidInput("a secret key is a number from 1 up to, not including, the order of ristretto255")
        self._scalar = scalar
        self.public_key: Final = ristretto.multiply_base(scalar)

    @classmethod
    def generate(cls) -> Self:
        """Return a new random key."""
        return cls(ristretto.random_scalar())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the key that 64 hex digits are; InvalidInput, which never repeats them, says what is allowed."""
        if not _KEY.fullmatch(text):
            raise InvalidInput("a secret key is 64 hex digits")
        return cls(bytes.fromhex(text))

    def sign(self, domain: str, message: str) -> Signature:
        """Sign `message` (UTF-8) with a fresh nonce: the same message gives another signature each time."""
        nonce = ristretto.random_scalar()
        nonce_point = ristretto.multiply_base(nonce)
        challenge = ristretto.reduce_scalar(hash_challenge(domain, nonce_point, self.public_key, message))
        return Signature(nonce_point, ristretto.multiply_add(nonce, challenge, self._scalar))

    def reveal(self) -> str:
        """Return the secret, as 64 hex digits."""
        return self._scalar.hex()

    def __repr__(self) -> str:
        return f"SecretKey(of {self.public_key.hex()})"


def verify(domain: str, public_key: bytes, message: str, signature: Signature) -> bool:
    """Return whether `signature` is one of `message` (UTF-8) by the key of `public_key`, for this domain.

    What is no point, and the identity, of which anybody knows the secret, sign nothing.
    """
    if public_key == IDENTITY or not ristretto.is_point(public_key):
        return False
    challenge = ristretto.reduce_scalar(hash_challenge(domain, signature.nonce_point, public_key, message))
    expected = ristretto.add(signature.nonce_point, ristretto.multiply(challenge, public_key))
    return ristretto.multiply_base(signature.scalar) == expected


def hash_challenge(domain: str, nonce_point: bytes, public_key: bytes, message: str) -> bytes:
    """Return h, 64 bytes; see the module."""
    digest = blake2b()
    for part in (f"{domain}.v1.challenge".encode(), nonce_point, public_key, message.encode()):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.digest()
