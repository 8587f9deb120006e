"""`harvester tari verify`: is a message signed, and if it is not taken, why?"""

from typing import BinaryIO

import click

from harvester.domain.errors import InvalidInput
from harvester_tari.claims import Claim, parse_claim
from harvester_tari.strict_json import MAX_BYTES, read_object, write_compact
from harvester_tari.wallet_messages import (
    IncomingPayment,
    TxConfirmation,
    WalletMessage,
    parse_incoming_payment,
    parse_tx_confirmation,
)


@click.command("verify")
@click.argument("message", type=click.File("rb"))
@click.pass_context
def verify_command(ctx: click.Context, message: BinaryIO) -> None:
    """Say as JSON whether a claim or a wallet's message, exactly as it is sent over HTTP, is signed, and why not.

    MESSAGE is a file, or - for standard input. Exit status: 0 valid, 1 not valid. Whether the order exists, and whether
    the wallet is authorised and its nonce greater than the last one, is the daemon's to say.
    """
    reason = find_fault(message.read(MAX_BYTES + 1))
    click.echo(write_compact({"valid": reason is None, "reason": reason}))
    ctx.exit(0 if reason is None else 1)


def find_fault(body: bytes) -> str | None:
    """Return why `body` is no valid message of any network, in a sentence; None: it is one."""
    try:
        message = _parse(body)
    except InvalidInput as error:
        return str(error)
    if message.is_signed():
        return None
    if message.address.is_nobodys:
        return "the address is nobody's: its key signs nothing"
    return f"the signature is none of this message by the spend key of {message.address}"


def _parse(body: bytes) -> Claim | WalletMessage[IncomingPayment] | WalletMessage[TxConfirmation]:
    names = read_object(body).found.keys() & {"payment", "confirmation"}
    if len(names) > 1:
        raise InvalidInput("a message has a payment or a confirmation, not both")
    if "payment" in names:
        return parse_incoming_payment(body, None)
    if "confirmation" in names:
        return parse_tx_confirmation(body, None)
    return parse_claim(body, None)
