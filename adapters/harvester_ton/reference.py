"""The reference to an invoice in a message body or a jetton forward payload.

Two op codes carry one:

    invoice_payload#7aa23eb5 id:bits128 url:PaymentProviderUrl
    none#00 = PaymentProviderUrl; tonsite#01 address:bits256 = PaymentProviderUrl;
    text_comment#00000000 text:SnakeData
"""

import re
from codecs import getincrementaldecoder
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from harvester_ton.cells import CellError
from harvester_ton.slices import Slice

MAX_TEXT_BYTES: Final = 1024
"""A text is read so far and no further."""

OP_INVOICE_PAYLOAD: Final = 0x7AA23EB5
OP_TEXT: Final = 0
OP_ENCRYPTED_TEXT: Final = 0x2167DA4B

_URL_BITS: Final = {0: 0, 1: 256}
_UUID7: Final = re.compile(
    r"(?<![0-9a-z])(?:[0-9a-f]{12}7[0-9a-f]{19}|[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})(?![0-9a-z])",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Reference:
    """What a body says about an invoice: its id, or the reason why none; and the text it came with."""

    invoice_id: UUID | None = None
    text: str | None = None
    reason: str | None = None


def read_reference(body: Slice) -> Reference:
    """Read a body or payload from its op code on. Never raises: anything unreadable is a reason."""
    try:
        return _read(body)
    except CellError as error:
        return Reference(reason=f"the body cannot be read: {error}")


def find_invoice_id(text: str) -> tuple[UUID | None, str | None]:
    """The one UUIDv7 that `text` mentions, or the reason why there is none.

    Any case, with dashes or as 32 hex digits, however often the same one. It must stand by itself: an ASCII letter or
    digit that touches it makes it part of something longer (`x<id>y`, 33 hex digits). Anything else may touch it:
    spaces, braces, `urn:uuid:`, punctuation, letters of scripts that write words without spaces.
    """
    found = {UUID(match) for match in _UUID7.findall(text)}
    if len(found) == 1:
        return found.pop(), None
    return None, "the text mentions several invoices" if found else "the text mentions no invoice"


def _read(body: Slice) -> Reference:
    if body.bits_left < 32:
        return Reference(reason="no comment and no payload")
    op = body.uint(32)
    if op == OP_TEXT:
        return _read_text(body)
    if op == OP_INVOICE_PAYLOAD:
        return _read_invoice_payload(body)
    if op == OP_ENCRYPTED_TEXT:
        return Reference(reason="an encrypted comment, which only the wallet's owner can read")
    return Reference(reason=f"a message of another kind (op 0x{op:08x})")


def _read_invoice_payload(body: Slice) -> Reference:
    """Whatever follows the url is ignored; the variant bits of the id are not checked."""
    if body.bits_left < 128 + 8:
        return Reference(reason="the invoice payload is cut short")
    invoice_id = UUID(int=body.uint(128))
    url_bits = _URL_BITS.get(body.uint(8))
    if url_bits is None or body.bits_left < url_bits:
        return Reference(reason="the invoice payload has no valid url field")
    if invoice_id.int >> 76 & 0xF != 7:
        return Reference(reason="the invoice payload has an id that is not a UUIDv7")
    return Reference(invoice_id)


def _read_text(body: Slice) -> Reference:
    data, bits, cut = _read_snake(body)
    if bits % 8:
        return Reference(reason="the text does not end on a whole byte")
    try:
        text = getincrementaldecoder("utf-8")().decode(data, final=not cut)
    except UnicodeDecodeError:
        return Reference(reason="the text is not valid UTF-8")
    text = text.replace("\0", "")
    if not text:
        return Reference(reason="the text is empty")
    invoice_id, reason = find_invoice_id(text)
    return Reference(invoice_id, text, reason)


def _read_snake(body: Slice) -> tuple[bytes, int, bool]:
    """SnakeData: all bits of this cell, then of its first reference, and so on; cells need not hold whole bytes.

    Returns the bytes up to the limit, the number of bits they came from, and whether there was more.
    """
    limit = MAX_TEXT_BYTES * 8
    value = bits = 0
    while True:
        size = body.bits_left
        value, bits = value << size | body.uint(size), bits + size
        refs = body.refs_left()
        if bits > limit:
            return (value >> (bits - limit)).to_bytes(MAX_TEXT_BYTES), limit, True
        if not refs:
            return (value >> bits % 8).to_bytes(bits // 8), bits, False
        body = Slice(refs[0])
