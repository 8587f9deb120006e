"""The `harvester` command. What a command needs is imported when it is called: `--help` should answer at once."""

import sys
from collections.abc import Iterable, Mapping
from copy import copy
from importlib import import_module
from typing import Final, NoReturn

import click

from harvester.chain import AdapterPlugin, CommandContext, load_plugins
from harvester.chain.hooks import HookPlugin, load_hooks
from harvester.cli.failures import report
from harvester.domain.errors import InvariantBroken

_BUILT_IN: Final = {
    "run": "Run the daemon.",
    "migrate": "Bring the database to the version of this program.",
    "check": "Say what is wrong with configuration, database and chains.",
    "invoice": "Create, show, list and cancel invoices.",
    "payment": "List payments, and say what they were for.",
    "order": "List and show orders, and decide about them.",
    "account": "Show customers' credit.",
    "credit": "Grant customers credit.",
    "wallet": "Say which hot wallets may report payments.",
    "export": "Write payments or invoices as CSV.",
    "rate": "Say what whole units of assets cost.",
    "webhook": "List webhook deliveries, and send them again.",
    "endpoint": "Say who is told of what: endpoints of webhooks.",
    "token": "Say who may use the API, and for what.",
}
"""Commands of the core, each `command` of a module in this package."""


class _Commands(click.Group):
    """The core's commands, and those that the installed plug-ins bring."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return [*_BUILT_IN, *sorted(_brought().keys() - _BUILT_IN.keys())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name in _BUILT_IN:
            command: click.Command = import_module(f"{__name__}.{cmd_name}").command
            return command
        return _brought().get(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        brought = {name: command.get_short_help_str(limit=70) for name, command in _brought().items()}
        with formatter.section("Commands"):
            formatter.write_dl([(name, _BUILT_IN.get(name) or brought[name]) for name in self.list_commands(ctx)])


def _brought() -> dict[str, click.Command]:
    plugins: list[AdapterPlugin | HookPlugin] = [*load_plugins().values(), *load_hooks().values()]
    found: dict[str, click.Command] = {}
    for command in (command for plugin in plugins for command in plugin.commands):
        name = command.name or ""
        found[name] = _join(found[name], command) if name in found else command
    return found


def _join(first: click.Command, second: click.Command) -> click.Command:
    """Return one group of two that plug-ins bring under one name; what it does without a command, one of them says.

    Raises:
        InvariantBroken: they are not both groups, or both do something of their own.
    """
    if not (isinstance(first, click.Group) and isinstance(second, click.Group)) or (first.callback and second.callback):
        raise InvariantBroken(f"two plug-ins bring a command {first.name}")
    leading, other = (first, second) if first.callback else (second, first)
    joined = copy(leading)
    joined.commands = {**leading.commands, **other.commands}
    return joined


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="harvester", prog_name="harvester")
def harvester() -> None:
    """Watches wallets it cannot spend from, settles invoices, and tells the merchant.

    Settings come from environment variables, from `.env` in the working directory, from the files that NAME_FILE
    variables name, and from systemd credentials.
    """


def _read_settings(names: Iterable[str]) -> Mapping[str, str]:
    from harvester.config.variables import Variables  # noqa: PLC0415 - few commands need it

    given, mistakes = Variables.of_process().collect(names)
    if mistakes:
        raise ExceptionGroup("settings", list(mistakes.values()))
    return {name: setting.value for name, setting in given.items()}


def main() -> NoReturn:
    """Run the command line; end the process with its status."""
    try:
        status = harvester.main(prog_name="harvester", standalone_mode=False, obj=CommandContext(_read_settings))
    except Exception as error:  # noqa: BLE001 - what is not meant for people is raised again
        status = report(error)
    sys.exit(status if isinstance(status, int) else 0)
