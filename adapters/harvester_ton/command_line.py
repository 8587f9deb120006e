"""What the commands of this adapter share: mistakes in one line, addresses as options."""

import click

from harvester.domain.errors import InvalidInput
from harvester_ton.address import parse_address


class Mistake(click.ClickException):
    """A usage mistake, told in one line; click's own UsageError prints the usage before it."""

    exit_code = 2


class OneLineMistakes(click.Command):
    """A command whose usage mistakes take one line."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Command`."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise Mistake(" ".join(error.format_message().split())) from error


def read_address(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Return the raw address that an option holds (a click callback)."""
    try:
        return None if value is None else parse_address(value)
    except InvalidInput as error:
        raise click.BadParameter(str(error)) from error
