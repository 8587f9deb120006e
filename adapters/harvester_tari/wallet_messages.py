"""What a hot wallet tells: a payment has come, a payment is final; each signed with the wallet's key and a nonce.

The body is `{"payment": {…}, "auth": {…}}` or `{"confirmation": {…}, "auth": {…}}`. What is signed, in the domain
WalletSignature, is `emoji(auth.address):nonce:payload`; the payload is the content written anew (`payload`), so that
the order of names and the form of the sender's address are free. Names not known are not signed, and not read.

The table of emoji has changed between releases of Tari, so a signature over the older one is valid, too: the two texts
of an address differ, and neither is one of anything else that its owner signs.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, Self, TypeVar

from harvester.domain.errors import InvalidInput
from harvester_tari import schnorr
from harvester_tari.address import Address, Network, parse_address
from harvester_tari.amounts import MAX_AMOUNT_MICRO
from harvester_tari.emoji import OLDER_SYMBOLS, SYMBOLS
from harvester_tari.schnorr import SecretKey, Signature
from harvester_tari.strict_json import Members, read_object, write_compact

DOMAIN: Final = "WalletSignature"
MAX_TXID: Final = 255
_TXID: Final = re.compile(rf"[!-~]{{1,{MAX_TXID}}}")


class Content(Protocol):
    """What a wallet signs."""

    def payload(self) -> str:
        """Return the JSON text that is signed."""
        ...


@dataclass(frozen=True, slots=True)
class IncomingPayment:
    """A payment that the wallet has seen, not final yet."""

    sender: Address
    amount_micro: int
    """µT, greater than 0."""
    txid: str
    """The wallet's name of the transaction: 1 … MAX_TXID visible ASCII characters."""
    memo: str | None
    """What the payer wrote, whatever it is."""
    order_id: str | None
    """What the wallet says it is for; read it with `order_reference` only."""

    def payload(self) -> str:
        """See `Content`: these names in this order, null for what is missing."""
        return write_compact(self.to_members())

    def to_members(self) -> dict[str, object]:
        """Return the members of the JSON object."""
        return {
            "sender": str(self.sender),
            "amount": self.amount_micro,
            "txid": self.txid,
            "memo": self.memo,
            "order_id": self.order_id,
        }


@dataclass(frozen=True, slots=True)
class TxConfirmation:
    """A payment that the wallet told of before is final."""

    txid: str

    def payload(self) -> str:
        """See `Content`."""
        return write_compact(self.to_members())

    def to_members(self) -> dict[str, object]:
        """Return the members of the JSON object."""
        return {"txid": self.txid}


_Content = TypeVar("_Content", IncomingPayment, TxConfirmation)


@dataclass(frozen=True, slots=True)
class WalletMessage(Generic[_Content]):
    """A message that can be read. Whether it is signed, and the wallet authorised, are other questions."""

    content: _Content
    address: Address
    """The wallet's; it is known, and its nonces are counted, under `address.payer`."""
    nonce: int
    """64 bits with a sign; rises with each message of the wallet."""
    signature: Signature

    @classmethod
    def sign(cls, key: SecretKey, address: Address, nonce: int, content: _Content) -> Self:
        """Return the message of the wallet at `address`, whose spend key is that of `key`."""
        return cls(content, address, nonce, key.sign(DOMAIN, _signed_text(address, SYMBOLS, nonce, content)))

    def is_signed(self) -> bool:
        """Return whether the owner of the address has signed content and nonce."""
        texts = (_signed_text(self.address, symbols, self.nonce, self.content) for symbols in (SYMBOLS, OLDER_SYMBOLS))
        return any(schnorr.verify(DOMAIN, self.address.spend_key, text, self.signature) for text in texts)

    def to_members(self) -> dict[str, object]:
        """Return the members of the JSON object that is sent."""
        name = "payment" if isinstance(self.content, IncomingPayment) else "confirmation"
        auth = {"address": str(self.address), "nonce": self.nonce, "signature": self.signature.to_hex()}
        return {name: self.content.to_members(), "auth": auth}


def parse_incoming_payment(body: bytes, network: Network | None) -> WalletMessage[IncomingPayment]:
    """Read the body of POST /wallet/incoming_payment. `network`: the only one allowed; None: any.

    Raises:
        InvalidInput: it is none; the message says why.
    """
    return _parse(body, "payment", network, _read_payment)


def parse_tx_confirmation(body: bytes, network: Network | None) -> WalletMessage[TxConfirmation]:
    """Read the body of POST /wallet/tx_confirmation; as `parse_incoming_payment`."""
    return _parse(body, "confirmation", network, lambda members, _: TxConfirmation(check_txid(members.text("txid"))))


def _parse(
    body: bytes, name: str, network: Network | None, read: Callable[[Members, Network | None], _Content]
) -> WalletMessage[_Content]:
    members = read_object(body)
    content, auth = read(members.members(name), network), members.members("auth")
    return WalletMessage(
        content,
        parse_address(auth.text("address"), network),
        auth.whole("nonce"),
        Signature.parse(auth.text("signature")),
    )


def _read_payment(members: Members, network: Network | None) -> IncomingPayment:
    amount_micro = members.whole("amount")
    if not 0 < amount_micro <= MAX_AMOUNT_MICRO:
        raise InvalidInput("payment.amount must be more than 0 µT")
    return IncomingPayment(
        parse_address(members.text("sender"), network),
        amount_micro,
        check_txid(members.text("txid")),
        members.optional_text("memo"),
        members.optional_text("order_id"),
    )


def check_txid(text: str) -> str:
    """Return `text` if a transaction can be called so.

    Raises:
        InvalidInput: it is empty, too long, or has what is no visible ASCII character.
    """
    if not _TXID.fullmatch(text):
        raise InvalidInput(f"txid must be 1 to {MAX_TXID} visible ASCII characters")
    return text


def _signed_text(address: Address, symbols: str, nonce: int, content: Content) -> str:
    return f"{address.to_emoji(symbols)}:{nonce}:{content.payload()}"
