"""`harvester wallet`: hot wallets that may report payments."""

import click

from harvester.cli.acting import actor_option
from harvester.cli.output import json_option, print_json, print_table
from harvester.cli.services import Services, with_services
from harvester.services.account_views import wallet_view

_chain = click.option("--chain", help="On which; default: the first one configured.")


@click.group()
def command() -> None:
    """Say which hot wallets may report payments."""


@command.command("list")
@_chain
@json_option
@with_services
async def list_wallets(services: Services, chain: str | None, as_json: bool) -> None:
    """List the wallets of a chain."""
    wallets = await services.wallets.list(_chosen(services, chain))
    if as_json:
        print_json({"wallets": [wallet_view(wallet) for wallet in wallets]})
        return
    rows = [(wallet.chain, wallet.address, wallet.ip_address, wallet.last_nonce) for wallet in wallets]
    print_table(["chain", "address", "host", "last nonce"], rows)


@command.command()
@click.argument("address")
@click.argument("ip_address", metavar="HOST")
@click.option("--nonce", type=int, default=0, show_default=True, help="The last one that is used up.")
@_chain
@actor_option
@json_option
@with_services
async def add(
    services: Services,
    address: str,
    ip_address: str,
    nonce: int,
    chain: str | None,
    actor: str,
    as_json: bool,
) -> None:
    """Let the wallet of ADDRESS report payments from the IP address HOST."""
    wallet = await services.wallets.add(_chosen(services, chain), address, ip_address, nonce, actor)
    if as_json:
        print_json(wallet_view(wallet))
        return
    click.echo(f"{wallet.address} may report from {wallet.ip_address}.")


@command.command()
@click.argument("address")
@_chain
@actor_option
@with_services
async def remove(services: Services, address: str, chain: str | None, actor: str) -> None:
    """Let the wallet of ADDRESS report no more."""
    await services.wallets.remove(_chosen(services, chain), address, actor)
    click.echo(f"{address} may report no more.")


def _chosen(services: Services, chain: str | None) -> str:
    return chain or next(iter(services.chains.adapters))
