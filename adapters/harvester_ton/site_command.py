"""`harvester site config`: the configuration of the reverse proxy that makes our public routes a TON site.

The proxy is tonutils-reverse-proxy, from version 0.4 on; it reads `config.json` in its working directory. Its members
are those of that program: private_key is the Ed25519 seed in base64; port is UDP.
"""

import json
import os
import tempfile
from base64 import b64encode
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

import click

from harvester.chain import CommandContext
from harvester_ton.command_line import Mistake, OneLineMistakes
from harvester_ton.merchant_key import adnl_address, derive_seed, site_name
from harvester_ton.site_settings import SiteSettings

UDP_PORT: Final = 3333
_CONFIG_VERSION: Final = 1
"""An older one is completed by the proxy, which writes the file anew."""


def _ipv4(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    try:
        return str(IPv4Address(value))
    except ValueError:
        raise click.BadParameter("must be an IPv4 address of this host, or 0.0.0.0 for all") from None


@click.command("config", cls=OneLineMistakes)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("config.json"),
    show_default=True,
    help="File to write; what it held is replaced.",
)
@click.option("--udp-port", type=click.IntRange(1, 65535), default=UDP_PORT, show_default=True, help="Of the proxy.")
@click.option(
    "--listen-ip",
    default="0.0.0.0",  # noqa: S104 # all of TON is to reach it
    show_default=True,
    callback=_ipv4,
    help="IPv4 address that the proxy binds.",
)
@click.option("--upstream", metavar="HOST:PORT", help="Where the proxy reaches the daemon's SITE; default: SITE.")
@click.option("--network-config-url", metavar="URL", help="Network config of the proxy; default: NETWORK_CONFIG.")
@click.pass_obj
def config_command(
    context: CommandContext,
    output: Path,
    udp_port: int,
    listen_ip: str,
    upstream: str | None,
    network_config_url: str | None,
) -> None:
    """Write the configuration of the TON site's proxy, from KEY, EXTERNAL_IP, NETWORK_CONFIG and SITE.

    It holds the private key of the site: only the owner of the file can read it. The proxy forwards to SITE, where the
    daemon serves the public routes and nothing else.
    """
    given = {"SITE": upstream, "NETWORK_CONFIG": network_config_url}
    environ = context.read_settings({"KEY", "EXTERNAL_IP", "NETWORK_CONFIG", "SITE"})
    settings = SiteSettings.load({**environ, **{name: value for name, value in given.items() if value}})
    key = settings.key.get_secret_value()
    config = {
        "proxy_pass": settings.site,
        "private_key": b64encode(derive_seed(key, "adnl")).decode(),
        "external_ip": settings.external_ip,
        "listen_ip": listen_ip,
        "network_config_url": settings.network_config,
        "port": udp_port,
        "version": _CONFIG_VERSION,
    }
    _write(output, json.dumps(config, indent="\t") + "\n")
    click.echo(f"{site_name(adnl_address(key))} at {settings.external_ip}:{udp_port} forwards to {settings.site}")


def _write(path: Path, text: str) -> None:
    """Replace the file at once, so that nobody reads half of it; what is new is its owner's alone from the start."""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Mistake(f"--output cannot be written: {error.strerror}") from None
