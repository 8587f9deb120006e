"""`harvester token`: who may use the API, and for what."""

from collections.abc import Sequence

import click

from harvester.cli.durations import read_duration
from harvester.cli.output import json_option, print_fields, print_json, print_table
from harvester.cli.services import Services, with_services
from harvester.domain.access import ENVIRONMENT, Scope
from harvester.services.token_views import token_view
from harvester.services.tokens import NewToken

_expires_option = click.option(
    "--expires", "life_secs", metavar="90d", callback=read_duration, help="How long it is good from now on."
)


@click.group()
def command() -> None:
    """Say who may use the API, and for what: make, list, rotate and revoke tokens.

    The TOKEN of the environment is none of them: it may do everything, and is changed where it is set.
    """


@command.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in Scope]),  # of an enum, click offers the names
    help="What it may do: read, write (make and cancel invoices), operate (all else); may be repeated.",
)
@_expires_option
@json_option
@with_services
async def create(services: Services, name: str, scopes: Sequence[str], life_secs: int | None, as_json: bool) -> None:
    """Make a token, and show it this once. Without --expires it is good until it is revoked."""
    wanted = frozenset(map(Scope, scopes))
    _print(await services.tokens.create(name, wanted, life_secs, ENVIRONMENT), as_json)


@command.command("list")
@json_option
@with_services
async def list_tokens(services: Services, as_json: bool) -> None:
    """List tokens by name, those that have expired, too; not those that were revoked."""
    found = await services.tokens.list()
    if as_json:
        print_json({"tokens": [token_view(token) for token in found]})
        return
    print_table(
        ["name", "scopes", "made", "expires", "last used", "id"],
        [
            (
                token.name,
                " ".join(scope for scope in Scope if scope in token.scopes),
                token.created_at,
                token.expires_at,
                token.last_used_at,
                token.id,
            )
            for token in found
        ],
    )


@command.command()
@click.argument("name")
@json_option
@with_services
async def revoke(services: Services, name: str, as_json: bool) -> None:
    """Let a token be good for nothing any more, in all daemons within a moment."""
    revoked = await services.tokens.revoke(name)
    if as_json:
        print_json(token_view(revoked))


@command.command()
@click.argument("name")
@click.option(
    "--overlap",
    "overlap_secs",
    metavar="24h",
    default="24h",
    show_default=True,
    callback=read_duration,
    help="How long the old secret is good, too.",
)
@_expires_option
@json_option
@with_services
async def rotate(services: Services, name: str, overlap_secs: int, life_secs: int | None, as_json: bool) -> None:
    """Give a token a new secret, and show it this once. Without --expires its end stays as it is."""
    _print(await services.tokens.rotate(name, overlap_secs, life_secs, ENVIRONMENT), as_json)


def _print(made: NewToken, as_json: bool) -> None:
    token, text = made
    if as_json:
        print_json(token_view(token, text))
        return
    print_fields(
        {
            "name": token.name,
            "scopes": " ".join(scope for scope in Scope if scope in token.scopes),
            "expires": token.expires_at,
            "old secret until": token.old_until,
        }
    )
    click.echo(f"token, shown only now: {text}")
