"""Tari addresses, in every form they are written in, and who is the same payer.

Bytes: network, features, then the spend key (single, 35 bytes) or the view key and the spend key (dual, 67 bytes), then
a checksum (DammSum). The text forms are base58 (canonical: stored, shown and signed in claims), emoji (signed by
wallets) and hex. Base58 is three texts in a row: of the network, of the features, and of the rest.

Payer identity. One owner has many addresses: single and dual, with other features, on other networks. The spend key
alone decides who signs and who spends; a view key only sees. So the same payer is: same spend key on the same network.
`Address.payer` is the name of that payer, itself an address: single, with the default features, in base58. Credit,
links and wallets are kept under it, whatever form came in. Money of different networks is never the same money.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import reduce
from typing import Final, Self

from harvester.domain.errors import InvalidInput
from harvester_tari import base58, emoji, ristretto
from harvester_tari.ristretto import IDENTITY, SIZE

MAX_CHARACTERS: Final = 256
"""More than any form takes: 67 emoji with separators, 134 hex digits."""
DEFAULT_FEATURES: Final = 3
"""One-sided (bit 0) and interactive (bit 1) payments."""
_KEYS_START: Final = 2
_SINGLE_SIZE: Final = _KEYS_START + SIZE + 1
_DUAL_SIZE: Final = _SINGLE_SIZE + SIZE
_DAMM_MASK: Final = 0x1B
_HEX: Final = re.compile(r"[0-9a-fA-F]{70}|[0-9a-fA-F]{134}", re.ASCII)
_ALLOWED: Final = "a Tari address is base58, 35 or 67 emoji, or 70 or 134 hex digits"


class Network(IntEnum):
    """A network of Tari; the value is the first byte of its addresses."""

    MAINNET = 0x00
    STAGENET = 0x01
    NEXTNET = 0x02
    LOCALNET = 0x10
    IGOR = 0x24
    ESMERALDA = 0x26

    @property
    def label(self) -> str:
        """Its name, as people and JSON write it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Address:
    """A valid address; its text is base58."""

    network: Network
    features: int
    spend_key: bytes
    """The public key that signs: a point, which may be the identity (see `is_nobodys`)."""
    view_key: bytes | None = None
    """Of a dual address: a point."""

    def __post_init__(self) -> None:
        if self.features & ~DEFAULT_FEATURES:
            raise InvalidInput(
                "this Tari address has features that are not known: 1 (one-sided) and 2 (interactive) are"
            )
        if not all(ristretto.is_point(key) for key in (self.spend_key, self.view_key) if key is not None):
            raise InvalidInput("this Tari address has a key that is no point of ristretto255")

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read 35 or 67 bytes.

        Raises:
            InvalidInput: they are no address; the message says why.
        """
        if len(data) not in (_SINGLE_SIZE, _DUAL_SIZE):
            raise InvalidInput(_ALLOWED)
        if _checksum(data):
            raise InvalidInput("this Tari address has a wrong checksum: something in it is mistyped or missing")
        try:
            network = Network(data[0])
        except ValueError:
            raise InvalidInput("this Tari address is of a network that is not known") from None
        keys = data[_KEYS_START:-1]
        return cls(network, data[1], keys[-SIZE:], keys[:-SIZE] or None)

    def to_bytes(self) -> bytes:
        """Return 35 or 67 bytes."""
        data = bytes((self.network, self.features)) + (self.view_key or b"") + self.spend_key
        return data + bytes((_checksum(data),))

    @property
    def payer(self) -> str:
        """The name of the payer that this address belongs to; see the module."""
        return str(Address(self.network, DEFAULT_FEATURES, self.spend_key))

    @property
    def is_nobodys(self) -> bool:
        """Whether nobody can sign for it: its key is the identity, such as stands for a sender who is not known.

        It must never be tied to a customer: money of any stranger would then be his. See `payers`, too.
        """
        return self.spend_key == IDENTITY

    def to_hex(self) -> str:
        """Return the form in lower-case hex digits."""
        return self.to_bytes().hex()

    def to_emoji(self, symbols: str = emoji.SYMBOLS) -> str:
        """Return the form in emoji."""
        return emoji.encode(self.to_bytes(), symbols)

    def to_structure(self) -> dict[str, dict[str, object]]:
        """Return the JSON object that some answers hold in place of a text."""
        known: dict[str, object] = {"network": self.network.label, "features": self.features}
        spend = {"public_spend_key": self.spend_key.hex()}
        if self.view_key is None:
            return {"Single": known | spend}
        return {"Dual": known | {"public_view_key": self.view_key.hex()} | spend}

    def __str__(self) -> str:
        data = self.to_bytes()
        return "".join(map(base58.encode, (data[:1], data[1:_KEYS_START], data[_KEYS_START:])))


def parse_address(text: str, network: Network | None = None) -> Address:
    """Return the address that `text` is: emoji (blanks around it and `|` in it are skipped), base58 or hex.

    `network`: the only one that is allowed; None: any.

    Raises:
        InvalidInput: it is none, or of another network; the message says what is allowed.
    """
    address = Address.from_bytes(_read(text))
    if network is not None and address.network is not network:
        raise InvalidInput(f"this Tari address is of {address.network.label}, here is {network.label}")
    return address


def _read(text: str) -> bytes:
    if len(text) <= MAX_CHARACTERS:
        for read in (_read_emoji, _read_base58, _read_hex):
            try:
                return read(text)
            except ValueError:
                continue
    raise InvalidInput(_ALLOWED)


def _read_emoji(text: str) -> bytes:
    return _sized(emoji.decode(text.strip().replace("|", "")))


def _read_base58(text: str) -> bytes:
    network, features = base58.decode(text[:1]), base58.decode(text[1:_KEYS_START])
    return _sized(network + features + base58.decode(text[_KEYS_START:]))


def _read_hex(text: str) -> bytes:
    if not _HEX.fullmatch(text):
        raise ValueError("not hex")
    return bytes.fromhex(text)


def _sized(data: bytes) -> bytes:
    if len(data) not in (_SINGLE_SIZE, _DUAL_SIZE):
        raise ValueError("not 35 or 67 bytes")
    return data


def _checksum(data: bytes) -> int:
    """Return the DammSum of `data`; over an address with its checksum it is 0."""
    return reduce(_damm_step, data, 0)


def _damm_step(result: int, value: int) -> int:
    doubled = (result ^ value) << 1
    return doubled & 0xFF ^ (_DAMM_MASK if doubled > 0xFF else 0)
