"""The invoice payload: the message body (or jetton forward payload) that pays an invoice.

Cell `invoice_payload#7aa23eb5 id:bits128 url:PaymentProviderUrl` alone in a bag of cells, one root, no index, no
checksum: everything but the 16 bytes of the id is constant. The url is `none#00`, or `tonsite#01 address:bits256`
where the merchant has a key.
"""

from base64 import b64encode
from typing import Final
from uuid import UUID

_BAG_OF_ONE_CELL: Final = bytes.fromhex("b5ee9c720101010100")
_OP: Final = bytes.fromhex("7aa23eb5")
_NO_URL: Final = bytes.fromhex("00")
_TONSITE: Final = bytes.fromhex("01")


class InvoicePayload:
    """Makes the payload of any invoice of one merchant."""

    def __init__(self, adnl_address: bytes | None = None) -> None:
        """`adnl_address`: 32 bytes of the merchant's site, None without one."""
        url = _NO_URL if adnl_address is None else _TONSITE + adnl_address
        content = len(_OP) + 16 + len(url)
        self._before_id = _BAG_OF_ONE_CELL + bytes((content + 2, 0, 0, content * 2)) + _OP
        self._after_id = url

    def boc(self, invoice_id: UUID) -> bytes:
        """The bag of cells."""
        return self._before_id + invoice_id.bytes + self._after_id

    def base64(self, invoice_id: UUID) -> str:
        """The same in standard base64 with padding, as JSON carries it."""
        return b64encode(self.boc(invoice_id)).decode()


def to_link_form(payload_base64: str) -> str:
    """Standard base64 as links carry it: url-safe alphabet, no padding."""
    return payload_base64.rstrip("=").replace("+", "-").replace("/", "_")
