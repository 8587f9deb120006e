"""`harvester tari address|memo|payment|confirm`: keys, and messages signed with them, for tests and support.

Messages are printed as they are sent over HTTP. Letters of options and defaults are those of the existing tools.
"""

import sys
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from harvester.domain.errors import InvalidInput
from harvester_tari.address import DEFAULT_FEATURES, Address, Network, parse_address
from harvester_tari.amounts import parse_xtr
from harvester_tari.claims import Claim, check_order_id
from harvester_tari.schnorr import SecretKey
from harvester_tari.strict_json import check_unicode, write_compact
from harvester_tari.wallet_messages import IncomingPayment, TxConfirmation, WalletMessage, check_txid

SECRET_VARIABLE: Final = "HARVESTER_TARI_SECRET_KEY"  # noqa: S105 - the name of a variable

_T = TypeVar("_T")
_Command = TypeVar("_Command", bound=Callable[..., Any])


def _reading(read: Callable[[str], _T]) -> Callable[[click.Context, click.Parameter, str | None], _T | None]:
    """Return the click callback that reads an option with `read`."""

    def callback(_ctx: click.Context, _param: click.Parameter, value: str | None) -> _T | None:
        try:
            return None if value is None else read(value)
        except InvalidInput as error:
            raise click.BadParameter(str(error)) from None

    return callback


def _read_secret(text: str) -> SecretKey:
    return SecretKey.parse(sys.stdin.readline().strip() if text == "-" else text.strip())


def _read_network(text: str) -> Network:
    return Network[text.upper()]


network_option: Final = click.option(
    "-n",
    "--network",
    type=click.Choice([network.label for network in Network]),
    default=Network.MAINNET.label,
    show_default=True,
    callback=_reading(_read_network),
    help="Network of the address.",
)


def _signer_options(command: _Command) -> _Command:
    """Say whose key signs, and at which address."""
    secret = click.option(
        "-s",
        "--secret-key",
        "key",
        required=True,
        envvar=SECRET_VARIABLE,
        show_envvar=True,
        callback=_reading(_read_secret),
        help="64 hex digits; - reads them from standard input, which other users of this host cannot see.",
    )
    address = click.option(
        "--address", callback=_reading(parse_address), help="Address to sign for, if not the single one of the key."
    )
    return secret(network_option(address(command)))


@click.command("address")
@network_option
@click.option("--dual", is_flag=True, help="With a view key, whose secret is not kept.")
@click.option(
    "-s",
    "--secret-key",
    "key",
    envvar=SECRET_VARIABLE,
    show_envvar=True,
    callback=_reading(_read_secret),
    help="Show the address of this key, instead of a new one's: 64 hex digits, or - for standard input.",
)
def address_command(network: Network, dual: bool, key: SecretKey | None) -> None:
    """Make a key, and print it with its address in every form, as JSON.

    The secret key is printed only if it is new.
    """
    signer = key or SecretKey.generate()
    view_key = SecretKey.generate().public_key if dual else None
    address = Address(network, DEFAULT_FEATURES, signer.public_key, view_key)
    secret = {} if key else {"secret_key": signer.reveal()}
    _print(
        secret
        | {
            "public_key": signer.public_key.hex(),
            "network": network.label,
            "address": str(address),
            "emoji": address.to_emoji(),
            "hex": address.to_hex(),
            "payer": address.payer,
        }
    )


@click.command("memo")
@_signer_options
@click.option("-o", "--order-id", required=True, callback=_reading(check_order_id), help="Order to claim.")
def memo_command(key: SecretKey, network: Network, address: Address | None, order_id: str) -> None:
    """Sign the claim of an order: a body of POST /order/claim, a memo of a payment, a note of an order."""
    _print(Claim.sign(key, _signer(key, network, address), order_id).to_members())


@click.command("payment")
@_signer_options
@click.option("-x", "--sender", required=True, callback=_reading(parse_address), help="Address that has paid.")
@click.option("-c", "--nonce", type=click.IntRange(-(1 << 63), (1 << 63) - 1), default=1, show_default=True)
@click.option(
    "-a", "--amount", "amount_micro", default="250", show_default=True, callback=_reading(parse_xtr), help="XTR."
)
@click.option("-t", "--txid", default="payment001", show_default=True, callback=_reading(check_txid))
@click.option("-m", "--memo", callback=_reading(check_unicode), help="What the payer wrote.")
@click.option("-o", "--order-id", callback=_reading(check_unicode), help="Order that the wallet says it is for.")
def payment_command(
    key: SecretKey,
    network: Network,
    address: Address | None,
    nonce: int,
    **payment: Any,
) -> None:
    """Sign, as a hot wallet, that a payment has come: a body of POST /wallet/incoming_payment."""
    content = IncomingPayment(**payment)
    _print(WalletMessage.sign(key, _signer(key, network, address), nonce, content).to_members())


@click.command("confirm")
@_signer_options
@click.option("-c", "--nonce", type=click.IntRange(-(1 << 63), (1 << 63) - 1), default=1, show_default=True)
@click.option("-t", "--txid", default="payment001", show_default=True, callback=_reading(check_txid))
def confirm_command(key: SecretKey, network: Network, address: Address | None, nonce: int, txid: str) -> None:
    """Sign, as a hot wallet, that a payment is final: a body of POST /wallet/tx_confirmation."""
    _print(WalletMessage.sign(key, _signer(key, network, address), nonce, TxConfirmation(txid)).to_members())


def _signer(key: SecretKey, network: Network, address: Address | None) -> Address:
    if address is None:
        return Address(network, DEFAULT_FEATURES, key.public_key)
    if address.spend_key != key.public_key:
        raise click.UsageError("--address must be one whose spend key belongs to --secret-key")
    return address


def _print(members: dict[str, Any]) -> None:
    click.echo(write_compact(members))
