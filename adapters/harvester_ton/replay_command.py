"""`harvester ton replay`: what a recorded session with a lite server proves, for auditors and support."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from harvester_ton import tl
from harvester_ton.address import split_address
from harvester_ton.command_line import Mistake, OneLineMistakes, read_address
from harvester_ton.replay import Replay, refusal
from harvester_ton.replay_session import Exchange, entry_label, read_exchange
from harvester_ton.verification import Reason, Refused, read_anchor

MAX_FILE_BYTES: Final = 256 << 20
MISSING: Final = "missing"
"""Why an exchange is refused that the numbers skip."""
_MAX_DIGITS: Final = 20
"""Of a number; TON has none with more."""


@click.command("replay", cls=OneLineMistakes)
@click.option("--account", callback=read_address, help="Look at the state and history of this account only.")
@click.argument("file", type=click.Path(path_type=Path))
def replay_command(account: str | None, file: Path) -> None:
    """Verify a recorded session with a lite server as the daemon would, and print as JSON what it proves.

    FILE is JSON: `config` is the network config to trust, `log` the exchanges with `n`, `name`, `request_hex` and
    `response_hex`. Exit code 0: all is proven; 1: something is refused; 2: there is no such session.
    """
    report = replay(_read(file), account)
    click.echo(json.dumps(report))
    sys.exit(1 if report["refused"] else 0)


def replay(session: Any, account: str | None) -> dict[str, Any]:
    """Return what a session, as JSON gives it, proves and what is refused in it; `account` is a raw address."""
    try:
        trusted = read_anchor(json.dumps(session["config"]))
        entries = session["log"]
        if not isinstance(entries, list) or not entries:
            raise ValueError("the log holds no exchange")
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        nothing: dict[str, object] = {"masterchain_seqno": None, "accounts": {}, "transactions": 0}
        text = f"not a recorded session with `config` and `log`: {error}"
        return {"proven": nothing, "refused": [refusal(None, None, Reason.MALFORMED, text)]}
    run = Replay(trusted, tl.AccountAddress(*split_address(account)) if account else None)
    run.run(list(_exchanges(entries, run)))
    return run.report()


def _exchanges(entries: list[Any], run: Replay) -> Iterator[Exchange]:
    """Read the entries; refuse the unreadable ones, and where the numbers skip some."""
    expected: int | None = None
    for index, entry in enumerate(entries):
        number, name = entry_label(entry)
        if expected is not None and number != expected:
            run.refuse(expected, None, MISSING, "this exchange is not where its number belongs")
        expected = (expected or 0 if number is None else number) + 1
        try:
            yield read_exchange(entry)
        except Refused as error:
            run.refuse(index if number is None else number, name, error.reason, str(error))


def _read(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise Mistake(f"FILE cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > MAX_FILE_BYTES:
        raise Mistake(f"FILE is larger than {MAX_FILE_BYTES} bytes")
    try:
        return json.loads(data, parse_int=_number)
    except RecursionError:
        raise Mistake("FILE must be JSON: it is nested too deeply") from None
    except ValueError as error:
        raise Mistake(f"FILE must be JSON: {error}") from None


def _number(digits: str) -> int | str:
    """Return a number, or its text where it is of a size that nothing here has."""
    return int(digits) if len(digits) <= _MAX_DIGITS else digits
