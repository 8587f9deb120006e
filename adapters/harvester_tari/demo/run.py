"""One run of `harvester dev tari`: from start to Ctrl-C, with every line that it prints."""

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
from harvester_tari.demo.people import NETWORK, Owner
from harvester_tari.demo.story import Say, Stage, play, set_up

PLAY_SECS: Final = 60.0
"""All of it together."""
_WAITING: Final = "1003"
_REPORT: Final = "/wallet/incoming_payment"
_CONFIRM: Final = "/wallet/tx_confirmation"


def run_demo(data_path: Path | None, *, once: bool, as_json: bool) -> None:
    """Set everything up, play, and stay up until a signal comes unless `once`; what came of it is printed as JSON.

    Raises:
        click.Abort: a signal came although it was to run once.
        HarvesterError: anything else has failed.
    """
    run = _run(data_path or default_data_path(os.environ), once=once, as_json=as_json or once)
    finished = asyncio.run(unless_signalled(run))
    if once and not finished:
        raise click.Abort


async def _run(data_path: Path, *, once: bool, as_json: bool) -> None:
    deadline = asyncio.get_running_loop().time() + PLAY_SECS
    say = partial(click.echo, err=as_json)
    say("starting  a shop, PostgreSQL and the daemon")
    async with set_up(data_path, say) as stage:
        try:
            async with asyncio.timeout_at(deadline):
                played = await stage.daemon.while_it_runs(play(stage))
        except TimeoutError:
            raise Unavailable(f"not done after {PLAY_SECS:.0f} s; the daemon: {stage.daemon.last_line()}") from None
        if as_json:
            click.echo(json.dumps(played))
        if not once:
            say("\nNow you")
            await stage.order(_WAITING, 3, "24.00")
            _explain(stage, say)
            await stage.daemon.while_it_runs(asyncio.Event().wait())


def _explain(stage: Stage, say: Say) -> None:
    api, wallet, txid = stage.daemon.url, stage.wallet, f"tx{_WAITING}"
    orders = f"{api}/tonpay/private/api/v1/orders"
    for line in (
        "",
        f"API       {api}",
        f"metrics   http://{stage.daemon.addresses['METRICS']}/metrics",
        f"token     {stage.token}",
        f"log       {stage.daemon.log_path}",
        "",
        f"Claim and pay order {_WAITING}, in another terminal:",
        _signed(stage, stage.alice, "memo", "/order/claim", order_id=_WAITING),
        _signed(
            stage,
            wallet,
            "payment",
            _REPORT,
            nonce=next(wallet.nonces),
            txid=txid,
            sender=stage.alice.address,
            amount=240,
        ),
        _signed(stage, wallet, "confirm", _CONFIRM, nonce=next(wallet.nonces), txid=txid),
        f"Look at it:  curl -H 'Authorization: Bearer {stage.token}' {orders}/{_WAITING}",
        "",
        "Running until Ctrl-C.",
    ):
        say(line)


def _signed(stage: Stage, signer: Owner, command: str, path: str, **options: object) -> str:
    """Return the line that signs a message and sends it."""
    program = sys.argv[0] if Path(sys.argv[0]).name == "harvester" else "harvester"
    words = [program, "tari", command, "--network", NETWORK.label, "--secret-key", signer.key.reveal()]
    words += [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    return f"  {shlex.join(words)} | curl -H 'Content-Type: application/json' -d @- {stage.daemon.url}{path}"
