"""`harvester tari`. Commands are loaded when they are called: the help must not wait for cryptography."""

from importlib import import_module
from typing import Final

import click

_PLACES: Final = {
    "address": "harvester_tari.signing_commands:address_command",
    "memo": "harvester_tari.signing_commands:memo_command",
    "payment": "harvester_tari.signing_commands:payment_command",
    "confirm": "harvester_tari.signing_commands:confirm_command",
    "verify": "harvester_tari.verify_command:verify_command",
}


class _LazyGroup(click.Group):
    """A group whose commands are imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_PLACES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if (place := _PLACES.get(cmd_name)) is None:
            return None
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


tari = _LazyGroup("tari", help="Keys and signatures of Tari, for tests and support.")
