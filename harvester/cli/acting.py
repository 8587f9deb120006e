"""Who acts on the command line."""

import getpass
from typing import Final

import click

from harvester.domain.acts import actor

_CHANNEL: Final = "cli"

actor_option: Final = click.option(
    "--actor", "actor_name", metavar="NAME", help="Who does it; default: your user name."
)


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
