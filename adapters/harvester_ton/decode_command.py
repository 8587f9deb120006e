"""`harvester ton decode`: what one transaction brings to an account, for whoever answers a buyer's question."""

import json
import sys
from typing import Any

import click

from harvester.domain.payment import Transfer
from harvester_ton.boc import MAX_BYTES, BocError, parse_boc_root
from harvester_ton.cells import CellError
from harvester_ton.command_line import Mistake, OneLineMistakes, read_address
from harvester_ton.decoding import Decoded, decode_coins, decode_jetton


@click.command("decode", cls=OneLineMistakes)
@click.option("--account", callback=read_address, required=True, help="The account the transaction belongs to.")
@click.option("--recipient", callback=read_address, help="Owner of the account, if that is a jetton wallet.")
@click.option("--jetton-master", callback=read_address, help="Master of that jetton.")
@click.argument("boc_hex")
def decode_command(account: str, recipient: str | None, jetton_master: str | None, boc_hex: str) -> None:
    """Print as JSON what a transaction brings to an account.

    BOC_HEX is the transaction's bag of cells in hex digits, or - to read them from standard input.
    """
    if (recipient is None) != (jetton_master is None):
        raise Mistake("--recipient and --jetton-master belong together: give both, or neither for coins")
    boc = _read_hex(boc_hex)
    try:
        root = parse_boc_root(boc)
        if recipient and jetton_master:
            decoded = decode_jetton(root, account, recipient, jetton_master)
        else:
            decoded = decode_coins(root, account)
    except BocError as error:
        raise Mistake(f"BOC_HEX must be the bag of cells of one transaction: {error}") from error
    except CellError as error:
        decoded = Decoded((), f"refused: {error}")
    click.echo(json.dumps(_to_json(decoded)))


def _read_hex(argument: str) -> bytes:
    """The bytes of a hex argument, white space anywhere."""
    if argument == "-":
        argument = sys.stdin.buffer.read(4 * MAX_BYTES).decode("ascii", "replace")
    try:
        return bytes.fromhex("".join(argument.split()))
    except ValueError as error:
        raise Mistake("BOC_HEX must be an even number of hex digits, or - for standard input") from error


def _to_json(decoded: Decoded) -> dict[str, Any]:
    transfers = decoded.transfers
    return {
        "transfers": [_transfer_to_json(transfer) for transfer in transfers],
        "reason": transfers[0].reason if transfers else decoded.reason,
    }


def _transfer_to_json(transfer: Transfer) -> dict[str, Any]:
    return {
        "asset": transfer.asset,
        "amount": str(transfer.amount),
        "payer": transfer.payer,
        "invoice_id": str(transfer.invoice_id) if transfer.invoice_id else None,
        "text": transfer.text,
    }
