"""Claims: "the order called so is paid by the owner of this address", signed with the address's spend key.

A claim is a JSON object: the body of POST /order/claim, the whole note of an order, or the whole memo of a payment.
What is signed is `base58(address):order_id`, in the domain MemoSignature. It names no moment and no server, so it is
valid for ever: whoever takes it must see to it that a repeat changes nothing.
"""

from dataclasses import dataclass
from typing import Final, Self

from harvester.domain.errors import InvalidInput
from harvester_tari import schnorr
from harvester_tari.address import Address, Network, parse_address
from harvester_tari.schnorr import SecretKey, Signature
from harvester_tari.strict_json import read_object

DOMAIN: Final = "MemoSignature"
MAX_ORDER_ID: Final = 255


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim that can be read. Whether it is signed is another question."""

    address: Address
    order_id: str
    signature: Signature

    @classmethod
    def sign(cls, key: SecretKey, address: Address, order_id: str) -> Self:
        """Return the claim of `address`, whose spend key is that of `key`, to the order."""
        return cls(address, order_id, key.sign(DOMAIN, _signed_text(address, order_id)))

    def is_signed(self) -> bool:
        """Return whether the owner of the address has signed it."""
        return schnorr.verify(DOMAIN, self.address.spend_key, _signed_text(self.address, self.order_id), self.signature)

    def to_members(self) -> dict[str, object]:
        """Return the members of the JSON object."""
        return {"address": str(self.address), "order_id": self.order_id, "signature": self.signature.to_hex()}


def parse_claim(data: bytes | str, network: Network | None) -> Claim:
    """Read a claim: the body of a request, a memo or a note. `network`: the only one allowed; None: any.

    Raises:
        InvalidInput: it is none; the message says why.
    """
    members = read_object(data)
    return Claim(
        parse_address(members.text("address"), network),
        check_order_id(members.text("order_id")),
        Signature.parse(members.text("signature")),
    )


def find_claimant(note: str | None, order_id: str, network: Network) -> Address | None:
    """Return the address whose owner claims exactly `order_id` in the note that came with the order; None: nobody."""
    try:
        claim = parse_claim(note or "", network)
    except InvalidInput:
        return None
    return claim.address if claim.order_id == order_id and claim.is_signed() else None


def check_order_id(text: str) -> str:
    """Return `text` if an order can be called so.

    Raises:
        InvalidInput: it is empty, too long, or has what cannot be printed.
    """
    if not 0 < len(text) <= MAX_ORDER_ID or not text.isprintable():
        raise InvalidInput(f"order_id must be 1 to {MAX_ORDER_ID} printable characters")
    return text


def _signed_text(address: Address, order_id: str) -> str:
    return f"{address}:{order_id}"
