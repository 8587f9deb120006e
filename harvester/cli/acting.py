"""Who acts on the command line, and why."""

import getpass
from collections.abc import Callable
from functools import wraps
from typing import Final

import click

from harvester.domain.acts import By, actor, reason_text

_CHANNEL: Final = "cli"


def _read_actor(_context: click.Context, _option: click.Parameter, name: str | None) -> str:
    return actor(_CHANNEL, _user() if name is None else name)


def _read_reason(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    return None if text is None else reason_text(text)


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return None  # an account that the machine does not know, as in a container


actor_option: Final = click.option(
    "--actor", metavar="NAME", callback=_read_actor, help="Who does it; default: your user name."
)
"""Hands a command who acts, as it is recorded."""


def acting(*, reason_required: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that gives a command the options of who acts, and why, and hands it both as `by`."""

    def decorate(work: Callable[..., None]) -> Callable[..., None]:
        @wraps(work)
        def call(*args: object, actor: str, reason: str | None, **options: object) -> None:
            work(*args, by=By(actor, reason), **options)

        reason = click.option("--reason", required=reason_required, callback=_read_reason, help="Why; kept with it.")
        return reason(actor_option(call))

    return decorate
