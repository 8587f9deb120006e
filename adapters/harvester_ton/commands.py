"""Commands of the TON adapter, loaded when they are called: the command line's help must not wait for cryptography."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A group whose commands are named by `module:attribute` and imported on first use."""

    def __init__(self, *args: Any, places: Mapping[str, str], **options: Any) -> None:
        super().__init__(*args, **options)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names, in order."""
        return sorted({*super().list_commands(ctx), *self._places})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if (place := self._places.get(cmd_name)) is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = place.partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{place} is not a command")
        return command


ton = LazyGroup(
    "ton",
    help="Tools for TON.",
    places={
        "decode": "harvester_ton.decode_command:decode_command",
        "replay": "harvester_ton.replay_command:replay_command",
    },
)

key = LazyGroup(
    "key",
    help="KEY, the merchant's key: seals what was bought for who paid, and makes the TON site.",
    places={
        "generate": "harvester_ton.key_commands:generate_command",
        "show": "harvester_ton.key_commands:show_command",
    },
)

site = LazyGroup(
    "site",
    help="The merchant's TON site.",
    places={"config": "harvester_ton.site_command:config_command"},
)
