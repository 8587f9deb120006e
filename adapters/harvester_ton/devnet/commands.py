"""`harvester dev chain`: the local chain on the command line."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import AsyncExitStack
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import click

from harvester_ton.devnet.tvm import TvmUnavailable

_PORT = click.IntRange(0, 65535)


def _ipv4(_context: click.Context, _option: click.Parameter, text: str) -> str:
    """Return an address that clients can be told: not "all of them"."""
    try:
        address = IPv4Address(text)
    except ValueError:
        address = IPv4Address(0)
    if address.is_unspecified:
        raise click.BadParameter("must be an IPv4 address of this machine, such as 127.0.0.1")
    return str(address)


@click.command("chain")
@click.option(
    "--port", type=_PORT, default=0, help="Port of the first lite server, the next take the next ones (0: free)."
)
@click.option("--control-port", type=_PORT, default=0, help="Port of the HTTP control (0: free).")
@click.option(
    "--host",
    callback=_ipv4,
    default="127.0.0.1",
    show_default=True,
    help="IPv4 address to listen on, and to be known by. Whoever reaches it commands the chain.",
)
@click.option("--block-seconds", type=click.FloatRange(0.01, 3600), default=0.5, show_default=True)
@click.option("--lite-servers", type=click.IntRange(1, 100), default=1, show_default=True)
@click.option(
    "--config-file", type=click.Path(dir_okay=False, path_type=Path), help="Where to write the network config."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object to stdout once everything runs.")
def chain_command(  # a command has the options it has
    port: int,
    control_port: int,
    host: str,
    block_seconds: float,
    lite_servers: int,
    config_file: Path | None,
    as_json: bool,
) -> None:
    """Runs a TON in memory with a real TVM until Ctrl-C: lite servers, jettons, rich buyers, faults on demand."""
    ports = [port + index if port else 0 for index in range(lite_servers)]
    try:
        asyncio.run(_run(ports, control_port, host, block_seconds, config_file, as_json=as_json))
    except (TvmUnavailable, OSError) as error:
        raise click.ClickException(str(error)) from error


async def _run(
    ports: list[int], control_port: int, host: str, block_seconds: float, config_file: Path | None, *, as_json: bool
) -> None:
    # Imported here so that the command line starts without the client and contract libraries.
    from harvester_ton.devnet.control import Control  # noqa: PLC0415
    from harvester_ton.devnet.local import LocalTon  # noqa: PLC0415
    from harvester_ton.devnet.status import chain_status  # noqa: PLC0415

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        ton = await stack.enter_async_context(
            LocalTon(block_seconds=block_seconds, lite_servers=len(ports), ports=ports, host=host)
        )
        control = await stack.enter_async_context(Control(ton, control_port, host))
        if config_file:
            config_file.write_text(json.dumps(ton.network_config(), indent=2) + "\n")  # noqa: ASYNC240  # once, small
        facts = {
            "control_url": control.url,
            "network_config_file": str(config_file) if config_file else None,
            "network_config": ton.network_config(),
            **chain_status(ton, ton.wallets["merchant"].address),
        }
        _announce(facts)
        if as_json:
            click.echo(json.dumps(facts))
        await ton.ticker.run_until(stop)


def _announce(facts: dict[str, Any]) -> None:
    lines = [
        f"local TON runs: a block every {facts['block_seconds']:g} s",
        f"control         {facts['control_url']}",
        *(f"lite server     {each['host']}:{each['port']} {each['key']}" for each in facts["lite_servers"]),
        f"network config  {facts['network_config_file'] or facts['control_url'] + '/network-config'}",
        f"recipient       {facts['recipient']['address']}",
        *(f"{each['ticker']:15} {each['master']} ({each['decimals']} decimals)" for each in facts["jettons"]),
    ]
    for line in lines:
        click.echo(line, err=True)
