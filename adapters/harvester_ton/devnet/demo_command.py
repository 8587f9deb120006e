"""`harvester dev`, the command. What it runs is imported when it is called: the command line's help must not wait."""

from pathlib import Path

import click

from harvester_ton.commands import LazyGroup


@click.group(
    "dev",
    cls=LazyGroup,
    places={
        "chain": "harvester_ton.devnet.commands:chain_command",
        "pay": "harvester_ton.devnet.pay_command:pay_command",
    },
    invoke_without_command=True,
)
@click.option("--once", is_flag=True, help="Stop after the first payment; print what came of it as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON, and stay up.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar=["HARVESTER_DATA_DIR", "DATA_DIR"],
    show_envvar=True,
    help="Folder for what a run needs (default: harvester/dev in the user's state directory).",
)
@click.pass_context
def dev_command(context: click.Context, once: bool, as_json: bool, data_dir: Path | None) -> None:
    """Run everything on this machine: a local TON, the daemon, a shop.

    It makes an invoice, pays it, shows the webhooks as they arrive, and stays up until Ctrl-C.
    """
    if context.invoked_subcommand is not None:
        return
    try:
        from harvester_ton.devnet.demo_run import run_demo  # noqa: PLC0415 - brings the chain and the TVM with it
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{error.name} is not installed: install harvester[dev]") from error
    run_demo(data_dir, once=once, as_json=as_json)
