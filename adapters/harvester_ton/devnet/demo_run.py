"""One run of `harvester dev`: from start to Ctrl-C, with every line that it prints."""

import asyncio
import json
import os
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Final

import click

from harvester.domain.errors import Unavailable
from harvester_demo.folder import default_data_path
from harvester_demo.stopping import unless_signalled
from harvester_ton.devnet.demo import INVOICE, INVOICE_PATH, Say, Stage, play, set_up
from harvester_ton.devnet.ports import API_URL, CONTROL_URL
from harvester_ton.devnet.tvm import TvmUnavailable

PLAY_SECS: Final = 60.0
"""Start, payment and webhook may take this long together."""


def run_demo(data_path: Path | None, *, once: bool, as_json: bool) -> None:
    """Set everything up, play, and stay up until a signal comes unless `once`; what came of it is printed as JSON.

    Raises:
        click.Abort: a signal came although it was to run once.
        click.ClickException: there is no TVM for this platform.
        HarvesterError: anything else has failed.
    """
    run = _run(data_path or default_data_path(os.environ), once=once, as_json=as_json or once)
    try:
        finished = asyncio.run(unless_signalled(run))
    except TvmUnavailable as error:
        raise click.ClickException(str(error)) from error
    if once and not finished:
        raise click.Abort


async def _run(data_path: Path, *, once: bool, as_json: bool) -> None:
    deadline = asyncio.get_running_loop().time() + PLAY_SECS
    say = partial(click.echo, err=as_json)
    say("starting  a local TON, PostgreSQL and the daemon")
    async with set_up(data_path, say) as stage:
        try:
            async with asyncio.timeout_at(deadline):
                played = await stage.daemon.while_it_runs(play(stage, say))
        except TimeoutError:
            raise Unavailable(f"not done after {PLAY_SECS:.0f} s; the daemon: {stage.daemon.last_line()}") from None
        say(f"detected  {played.detected_seconds:.3f} s from the block to the webhook")
        if as_json:
            click.echo(json.dumps(played.to_json()))
        if not once:
            _explain(stage, say, played.invoice["id"])
            await stage.daemon.while_it_runs(stage.ton.ticker.run_until(asyncio.Event()))


def _explain(stage: Stage, say: Say, invoice_id: str) -> None:
    order = shlex.quote(json.dumps(INVOICE, separators=(",", ":")))
    for line in (
        "",
        f"API       {stage.daemon.url}",
        f"metrics   http://{stage.daemon.addresses['METRICS']}/metrics",
        f"control   {stage.control.url}/status (the local TON; docs/local-chain.md)",
        f"token     {stage.token}",
        f"log       {stage.daemon.log_path}",
        "",
        "Make an invoice and pay it, in another terminal:",
        f"  curl -H 'Authorization: Bearer {stage.token}' -d {order} {stage.daemon.url}{INVOICE_PATH}",
        f"  {_pay_line(stage)} INVOICE_ID    (or --partial, --over, --late, --twice, --comment; --help)",
        f"Look at the one just paid:  curl {stage.daemon.url}/tonpay/public/api/v1/invoices/{invoice_id}",
        "",
        "Running until Ctrl-C.",
    ):
        say(line)


def _pay_line(stage: Stage) -> str:
    program = sys.argv[0] if Path(sys.argv[0]).name == "harvester" else "harvester"
    words = [program, "dev", "pay"]
    if stage.daemon.url != API_URL:
        words += ["--url", stage.daemon.url]
    if stage.control.url != CONTROL_URL:
        words += ["--control", stage.control.url]
    return shlex.join(words)
