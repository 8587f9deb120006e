"""The ristretto255 group, computed by libsodium (PyPI `rbcl`).

Scalars and points are 32 bytes, little-endian; each has one encoding only, and any other is refused.
"""

import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import rbcl

SIZE: Final = 32
ORDER: Final = 2**252 + 27742317777372353535851937790883648493
"""Number of elements of the group."""
_FIELD_PRIME: Final = 2**255 - 19
IDENTITY: Final = bytes(SIZE)

with suppress(
    OSError
):  # rbcl leaves a copy of libsodium in the temporary folder with each process; once loaded, it needs no name
    Path(sys.modules["rbcl._sodium"].lib_path).unlink(missing_ok=True)


def is_scalar(data: bytes) -> bool:
    """Return whether `data` is a scalar in its one encoding. libsodium itself would reduce any other in silence."""
    return len(data) == SIZE and int.from_bytes(data, "little") < ORDER


def is_point(data: bytes) -> bool:
    """Return whether `data` is a point, the identity among them, in its one encoding (RFC 9496)."""
    if len(data) != SIZE:
        return False
    # libsodium 1.0.18, which rbcl brings, skips the highest bit: each point would have two encodings, the identity too.
    number = int.from_bytes(data, "little")
    is_canonical = number < _FIELD_PRIME and number % 2 == 0
    return is_canonical and bool(rbcl.crypto_core_ristretto255_is_valid_point(data))


def reduce_scalar(data: bytes) -> bytes:
    """Return 64 bytes, read as a little-endian number, modulo ORDER."""
    return bytes(rbcl.crypto_core_ristretto255_scalar_reduce(data))


def random_scalar() -> bytes:
    """Return a secret scalar that is not 0."""
    return bytes(rbcl.crypto_core_ristretto255_scalar_random())


def multiply_base(scalar: bytes) -> bytes:
    """Return `scalar` times the generator, in constant time."""
    return bytes(rbcl.crypto_scalarmult_ristretto255_base_allow_scalar_zero(scalar))


def multiply(scalar: bytes, point: bytes) -> bytes:
    """Return `scalar` times `point`, in constant time."""
    return bytes(rbcl.crypto_scalarmult_ristretto255_allow_scalar_zero(scalar, _valid(point)))


def add(first: bytes, second: bytes) -> bytes:
    """Return the sum of two points."""
    return bytes(rbcl.crypto_core_ristretto255_add(_valid(first), _valid(second)))


def multiply_add(first: bytes, second: bytes, third: bytes) -> bytes:
    """Return `first` + `second` · `third`, of scalars, in constant time."""
    product = rbcl.crypto_core_ristretto255_scalar_mul(second, third)
    return bytes(rbcl.crypto_core_ristretto255_scalar_add(first, product))


def _valid(point: bytes) -> bytes:
    # What libsodium gives for no point at all is the identity, with which any equation can be made to hold.
    if not is_point(point):
        raise ValueError("not a point of ristretto255")
    return point
