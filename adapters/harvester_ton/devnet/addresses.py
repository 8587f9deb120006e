"""Addresses as people and programs write them."""

from __future__ import annotations

import base64
import binascii
import struct

from harvester_ton.devnet.accounts import Address

_BOUNCEABLE, _NON_BOUNCEABLE, _TEST_ONLY = 0x11, 0x51, 0x80


def parse_address(value: Address | str) -> Address:
    """Raw (`0:hex`) or friendly (48 characters of either base64) form. Raises `ValueError`."""
    if not isinstance(value, str):
        return value
    workchain, colon, digits = value.partition(":")
    try:
        if colon:
            return int(workchain), _exactly_32(bytes.fromhex(digits))
        return _friendly(base64.b64decode(value.replace("-", "+").replace("_", "/"), validate=True))
    except (ValueError, binascii.Error, struct.error) as error:
        raise ValueError(f"not an address: {value!r}") from error


def _exactly_32(value: bytes) -> bytes:
    if len(value) != 32:
        raise ValueError("32 bytes expected")
    return value


def _friendly(data: bytes) -> Address:
    flags, workchain, checksum = data[0] & ~_TEST_ONLY, *struct.unpack(">b32xH", data[1:])
    if flags not in (_BOUNCEABLE, _NON_BOUNCEABLE) or binascii.crc_hqx(data[:34], 0) != checksum:
        raise ValueError("wrong tag or checksum")
    return workchain, data[2:34]


def friendly_address(address: Address, *, bounceable: bool) -> str:
    """48 characters, url-safe base64."""
    head = struct.pack(">Bb", _BOUNCEABLE if bounceable else _NON_BOUNCEABLE, address[0]) + address[1]
    return base64.urlsafe_b64encode(head + struct.pack(">H", binascii.crc_hqx(head, 0))).decode()
