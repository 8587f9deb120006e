"""Sealed metadata by other means than the program's: X25519 and the change of curve by hand, the rest pycryptodomex."""

import base64
import hashlib
import hmac
from hashlib import pbkdf2_hmac
from typing import Any

from Cryptodome.Cipher import AES
from Cryptodome.PublicKey import ECC

P = 2**255 - 19
SALT = b"EQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAM9c"


def public_key(seed: bytes) -> bytes:
    """The Ed25519 public key of a seed."""
    construct: Any = ECC.construct  # its types say that a seed is a number
    return bytes(construct(curve="ed25519", seed=seed).public_key().export_key(format="raw"))


def meta_seed(key: bytes) -> bytes:
    """The seed of the merchant's encryption key."""
    return pbkdf2_hmac("sha256", key, b"meta", 1, 32)


def shared_secret(seed: bytes, their_key: bytes) -> bytes:
    """X25519 (RFC 7748) of the scalar that a seed stands for and an Ed25519 point taken to the other curve."""
    digest = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    scalar = digest & ~7 & ~(1 << 255) | 1 << 254
    y = int.from_bytes(their_key, "little") & ~(1 << 255)
    return _ladder(scalar, (1 + y) * pow(1 - y, -1, P) % P).to_bytes(32, "little")


def _ladder(scalar: int, u: int) -> int:
    x2, z2, x3, z3 = 1, 0, u, 1
    for bit in reversed(range(255)):
        if scalar >> bit & 1:
            x2, z2, x3, z3 = *_step(x3, z3, x2, z2, u)[2:], *_step(x3, z3, x2, z2, u)[:2]
        else:
            x2, z2, x3, z3 = _step(x2, z2, x3, z3, u)
    return x2 * pow(z2, -1, P) % P


def _step(x2: int, z2: int, x3: int, z3: int, u: int) -> tuple[int, int, int, int]:
    """Double the first point, and add both, whose difference is `u`."""
    plus, minus = (x2 + z2) ** 2, (x2 - z2) ** 2
    difference = plus - minus
    cross, other = (x3 - z3) * (x2 + z2), (x3 + z3) * (x2 - z2)
    return (
        plus * minus % P,
        difference * (plus + 121665 * difference) % P,
        (cross + other) ** 2 % P,
        u * (cross - other) ** 2 % P,
    )


def _cipher(seed: bytes, their_key: bytes, msg_key: bytes) -> Any:
    x = hmac.digest(shared_secret(seed, their_key), msg_key, "sha512")
    return AES.new(x[:32], AES.MODE_CBC, iv=x[32:48])


def seal(text: bytes, seed: bytes, their_key: bytes, noise: bytes) -> bytes:
    """Seal `text` for `their_key`; `noise` is what fills it up to whole blocks."""
    plain = bytes((len(noise) + 1,)) + noise + text
    msg_key = hmac.digest(SALT, plain, "sha512")[:16]
    whose = bytes(a ^ b for a, b in zip(public_key(seed), their_key, strict=True))
    return whose + msg_key + bytes(_cipher(seed, their_key, msg_key).encrypt(plain))


def open_sealed(sealed: bytes, seed: bytes) -> tuple[bytes, bytes, bytes]:
    """The text, the noise before it, and who sealed it, for the owner of `seed`."""
    sender = bytes(a ^ b for a, b in zip(public_key(seed), sealed[:32], strict=True))
    msg_key = sealed[32:48]
    plain = bytes(_cipher(seed, sender, msg_key).decrypt(sealed[48:]))
    assert hmac.digest(SALT, plain, "sha512")[:16] == msg_key
    assert 16 <= plain[0] < 32
    return plain[plain[0] :], plain[1 : plain[0]], sender


def site_of(payload: str) -> bytes:
    """The ADNL address that an invoice's payload ends with, in either base64: constructor `tonsite#01`, 32 bytes."""
    boc = base64.urlsafe_b64decode(payload.replace("+", "-").replace("/", "_").rstrip("=") + "==")
    assert boc[-33] == 1
    return boc[-32:]
