"""Who acts on the command line, and why."""

import getpass
from collections.abc import Callable
from typing import Final

import click

from harvester.domain.acts import actor, reason_text
from harvester.services.payments import By

_CHANNEL: Final = "cli"

actor_option: Final = click.option(
    "--actor", "actor_name", metavar="NAME", help="Who does it; default: your user name."
)


def reason_option(required: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option that says why."""
    return click.option("--reason", required=required, help="Why; kept with it.")


def acting_by(name: str | None, reason: str | None) -> By:
    """Return who acts, and why, as services take it.

    Raises:
        InvalidInput: the name or the reason is not allowed.
    """
    return By(acting(name), None if reason is None else reason_text(reason))


def acting(name: str | None) -> str:
    """Return who acts, as it is recorded; None: whoever is logged in.

    Raises:
        InvalidInput: the name is not allowed.
    """
    return actor(_CHANNEL, name if name is not None else _user())


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return None  # an account that the machine does not know, as in a container
