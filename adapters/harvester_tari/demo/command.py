"""`harvester dev tari`, the command. What it runs is imported when it is called: the help must not wait."""

from pathlib import Path
from typing import Final

import click


@click.command("tari")
@click.option("--once", is_flag=True, help="Stop when all is paid; print what came of it as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON, and stay up.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar=["HARVESTER_DATA_DIR", "DATA_DIR"],
    show_envvar=True,
    help="Folder for what a run needs (default: harvester/dev in the user's state directory).",
)
def demo_command(once: bool, as_json: bool, data_dir: Path | None) -> None:
    """Run orders that are paid in Tari: a shop, buyers, a hot wallet, the daemon.

    One order is claimed, paid and captured in the shop; another was paid before it was made. Signatures are real, the
    coins are not: what a wallet tells of is believed. It stays up until Ctrl-C.
    """
    try:
        from harvester_tari.demo.run import run_demo  # noqa: PLC0415 - brings cryptography with it
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{error.name} is not installed: install harvester[dev]") from error
    run_demo(data_dir, once=once, as_json=as_json)


dev: Final = click.Group("dev", commands={"tari": demo_command})
"""Put into the group of this name that another adapter brings, if one does."""
