"""TON addresses as people write them (TEP-2) and as this program keeps them.

The canonical form is the raw one: `workchain:64 lower-case hex digits`, such as `0:81…88`. The user-friendly form is
36 bytes in base64, standard or url-safe: flags, workchain, account id, CRC-16 (XMODEM).
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import crc_hqx
from typing import Final

from harvester.domain.errors import InvalidInput

_RAW: Final = re.compile(r"(0|-?[1-9][0-9]{0,2}):([0-9a-fA-F]{64})", re.ASCII)
_FRIENDLY: Final = re.compile(r"[A-Za-z0-9_-]{48}|[A-Za-z0-9+/]{48}", re.ASCII)
_BOUNCEABLE: Final = 0x11
_NON_BOUNCEABLE: Final = 0x51
_TEST_ONLY: Final = 0x80

_ALLOWED: Final = "a TON address is raw (0: and 64 hex digits) or user-friendly (48 characters such as UQ… or EQ…)"


def parse_address(text: str) -> str:
    """The canonical raw form of any written form. InvalidInput says what is allowed."""
    if raw := _RAW.fullmatch(text):
        return _canonical(int(raw[1]), raw[2].lower())
    if not _FRIENDLY.fullmatch(text):
        raise InvalidInput(_ALLOWED)
    data = urlsafe_b64decode(text.replace("+", "-").replace("/", "_"))
    if crc_hqx(data, 0):
        raise InvalidInput("this TON address has a wrong checksum: a character is mistyped or missing")
    if data[0] & ~_TEST_ONLY not in (_BOUNCEABLE, _NON_BOUNCEABLE):
        raise InvalidInput("this TON address has unknown flags: bounceable and non-bounceable ones are known")
    return _canonical(int.from_bytes(data[1:2], signed=True), data[2:34].hex())


def format_address(raw_address: str, *, bounceable: bool) -> str:
    """The url-safe user-friendly form (EQ… bounceable, UQ… not) of an address in any form."""
    workchain, account = split_address(raw_address)
    tag = _BOUNCEABLE if bounceable else _NON_BOUNCEABLE
    data = bytes((tag, workchain & 0xFF)) + account
    return urlsafe_b64encode(data + crc_hqx(data, 0).to_bytes(2)).decode()


def split_address(address: str) -> tuple[int, bytes]:
    """Workchain (-128 to 127) and account id (32 bytes) of an address in any form."""
    workchain, _, account = parse_address(address).partition(":")
    return int(workchain), bytes.fromhex(account)


def _canonical(workchain: int, account_hex: str) -> str:
    if not -128 <= workchain <= 127:
        raise InvalidInput("the workchain of a TON address is a number from -128 to 127")
    return f"{workchain}:{account_hex}"
