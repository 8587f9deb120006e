"""Ways to damage an answer: blindly, and so that the damage passes the first checks."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

_Mutation = Callable[[Random, bytearray, Sequence[bytes]], bytearray]


def mutate(random: Random, answer: bytes, others: Sequence[bytes]) -> bytes:
    """The answer with one to four mutations; `others` lend their parts."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        answer = bytes(random.choice(_MUTATIONS)(random, bytearray(answer), others))
    return answer


def _flip(random: Random, data: bytearray, _: Sequence[bytes]) -> bytearray:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return data


def _set_byte(random: Random, data: bytearray, _: Sequence[bytes]) -> bytearray:
    if data:
        data[random.randrange(len(data))] = random.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF, random.randrange(256)))
    return data


def _cut(random: Random, data: bytearray, _: Sequence[bytes]) -> bytearray:
    return data[: random.randrange(len(data) + 1)]


def _prolong(random: Random, data: bytearray, _: Sequence[bytes]) -> bytearray:
    return data + random.randbytes(random.choice((1, 4, 80, 1000)))


def _drop(random: Random, data: bytearray, _: Sequence[bytes]) -> bytearray:
    start, size = _piece(random, data)
    return data[:start] + data[start + size :]


def _double(random: Random, data: bytearray, _: Sequence[bytes]) -> bytearray:
    start, size = _piece(random, data)
    return data[:start] + data[start : start + size] * 2 + data[start + size :]


def _move(random: Random, data: bytearray, _: Sequence[bytes]) -> bytearray:
    start, size = _piece(random, data)
    target = random.randrange(len(data) + 1)
    piece = data[start : start + size]
    data[target : target + size] = piece
    return data


def _splice(random: Random, data: bytearray, others: Sequence[bytes]) -> bytearray:
    other = random.choice(others)
    at = random.randrange(min(len(data), len(other)) + 1)
    return data[:at] + other[at:]


def _graft(random: Random, data: bytearray, others: Sequence[bytes]) -> bytearray:
    """Put a bag of cells of another answer where one begins here."""
    here, there = data.find(_BAG, random.randrange(len(data) + 1)), random.choice(others)
    start = there.find(_BAG)
    size = random.choice((40, 400, 4000))
    if here >= 0 and start >= 0:
        data[here : here + size] = there[start : start + size]
    return data


def _zero(random: Random, data: bytearray, _: Sequence[bytes]) -> bytearray:
    start, size = _piece(random, data)
    data[start : start + size] = bytes(min(size, len(data) - start))
    return data


def _piece(random: Random, data: bytearray) -> tuple[int, int]:
    aligned = random.randrange(len(data) // 4 + 1) * 4
    return aligned, random.choice((1, 4, 32, 36, 80, 100, 1000))


_BAG: Final = bytes.fromhex("b5ee9c72")
_MUTATIONS: Final[Sequence[_Mutation]] = (
    *(_flip,) * 4,
    *(_set_byte,) * 3,
    _cut,
    _prolong,
    _drop,
    _double,
    _move,
    _splice,
    _graft,
    _zero,
)
