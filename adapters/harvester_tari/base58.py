"""Base58 with Bitcoin's alphabet: one text for each byte string, one byte string for each text."""

from typing import Final

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_ZERO: Final = _ALPHABET[0]
_VALUES: Final = {character: value for value, character in enumerate(_ALPHABET)}


def encode(data: bytes) -> str:
    """Return `data` in base58; each leading zero byte is a leading `1`."""
    number, characters = int.from_bytes(data), []
    while number:
        number, value = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[value])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return _ZERO * zeros + "".join(reversed(characters))


def decode(text: str) -> bytes:
    """Return the bytes that `text` is; it takes time with the square of its length, which the caller bounds.

    Raises:
        ValueError: a character is not of the alphabet.
    """
    number = 0
    for character in text:
        if (value := _VALUES.get(character)) is None:
            raise ValueError("not base58")
        number = number * len(_ALPHABET) + value
    zeros = len(text) - len(text.lstrip(_ZERO))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)
