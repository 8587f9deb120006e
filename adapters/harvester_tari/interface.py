"""What the rest of the adapter (its routes and commands) uses of Tari's formats. All of it is pure; no I/O, no clock.

    settings = TariSettings.load(environ)

    # POST /order/claim
    claim = parse_claim(body, settings.network)             InvalidInput -> 400
    claim.is_signed()                                       False -> 401
    claim.order_id, claim.address.payer                     what is tied to what

    # POST /wallet/incoming_payment; /wallet/tx_confirmation with parse_tx_confirmation
    message = parse_incoming_payment(body, settings.network)
    message.is_signed()
    message.address.payer, message.nonce                    whose nonce it is, and which
    payment = message.content
    payment.txid, payment.amount_micro, payment.sender.payer, payment.memo
    named = order_reference(payment, settings.network, settings.number_prefix)
    named.order_id, named.claimant                          what the money is for; who is tied to that order

    # a storefront's order
    find_claimant(note, order_id, settings.network)

Keep money, links and wallets under `Address.payer`, which is the identity of an owner (see `address`). Never tie an
address that `is_nobodys` to a customer. Signatures cost about a fifth of a millisecond each, bad ones of wallets twice
that: check first what is cheaper.
"""

from harvester_tari.address import Address, Network, parse_address
from harvester_tari.amounts import DECIMALS, MAX_AMOUNT_MICRO, TICKER, render_amount
from harvester_tari.claims import Claim, find_claimant, parse_claim
from harvester_tari.order_reference import OrderReference, order_reference
from harvester_tari.schnorr import SecretKey, Signature
from harvester_tari.settings import TariSettings
from harvester_tari.strict_json import MAX_BYTES
from harvester_tari.wallet_messages import (
    IncomingPayment,
    TxConfirmation,
    WalletMessage,
    parse_incoming_payment,
    parse_tx_confirmation,
)

__all__ = [
    "DECIMALS",
    "MAX_AMOUNT_MICRO",
    "MAX_BYTES",
    "TICKER",
    "Address",
    "Claim",
    "IncomingPayment",
    "Network",
    "OrderReference",
    "SecretKey",
    "Signature",
    "TariSettings",
    "TxConfirmation",
    "WalletMessage",
    "find_claimant",
    "order_reference",
    "parse_address",
    "parse_claim",
    "parse_incoming_payment",
    "parse_tx_confirmation",
    "render_amount",
]
