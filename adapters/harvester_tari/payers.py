"""Whose money a payment is: the name that credit is kept under.

It is the sender's (`Address.payer`), except where nobody is named: one-sided payments can come from an address whose
key is the identity, and all strangers who hide behind it would share one account. Money of one could then pay what
another ordered. So each payment of nobody's has a payer of its own, `address:txid`: it can pay the order that it names.
"""

from typing import Final

from harvester.domain.errors import InvalidInput
from harvester_tari.address import Address, Network, parse_address
from harvester_tari.wallet_messages import IncomingPayment, check_txid

_OF_TRANSACTION: Final = ":"


def payer_of(payment: IncomingPayment) -> str:
    """Return the name of the payer."""
    return _of_transaction(payment.sender, payment.txid) if payment.sender.is_nobodys else payment.sender.payer


def parse_payer(text: str, network: Network) -> str:
    """Return the name of the payer that `text` means: an address in any form, or a name that `payer_of` has returned.

    Raises:
        InvalidInput: it is none, or of another network; the message says what is allowed.
    """
    written, found, txid = text.partition(_OF_TRANSACTION)
    address = parse_address(written, network)
    if not found:
        return address.payer
    if not address.is_nobodys:
        raise InvalidInput("only payments of an address that is nobody's have payers of their own")
    return _of_transaction(address, check_txid(txid))


def _of_transaction(address: Address, txid: str) -> str:
    return f"{address.payer}{_OF_TRANSACTION}{txid}"
