"""`harvester endpoint`: who is told of what."""

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from harvester.cli.filters import MOMENT
from harvester.cli.output import json_option, print_fields, print_json, print_table
from harvester.cli.services import Services, with_services
from harvester.domain.errors import Unavailable
from harvester.services.endpoints import DEFAULT_OVERLAP_SECS, MAX_OVERLAP_SECS
from harvester.services.webhook_views import answer_view, endpoint_view, secret_view, shown_url
from harvester.storage.endpoints import Endpoint

_events_option = click.option(
    "--event", "event_types", multiple=True, metavar="TYPE", help="Such as invoice.paid; may be repeated."
)


@click.group()
def command() -> None:
    """Say who is told of what: list, make, change, test and remove endpoints of webhooks.

    The endpoint "environment" is that of WEBHOOK_ENDPOINT.
    """


@command.command("list")
@json_option
@with_services
async def list_endpoints(services: Services, as_json: bool) -> None:
    """List endpoints by name."""
    found = await services.endpoints.list()
    if as_json:
        print_json({"endpoints": [endpoint_view(endpoint) for endpoint in found]})
        return
    print_table(
        ["name", "enabled", "url", "events", "why not enabled", "id"],
        [
            (
                endpoint.name,
                "yes" if endpoint.enabled else "no",
                shown_url(endpoint),
                " ".join(endpoint.event_types),
                endpoint.disabled_reason,
                endpoint.id,
            )
            for endpoint in found
        ],
    )


@command.command()
@click.argument("name")
@click.argument("url")
@_events_option
@click.option("--local", is_flag=True, help="It may be plain http and at a private address: you vouch for it.")
@json_option
@with_services
async def add(services: Services, name: str, url: str, event_types: Sequence[str], local: bool, as_json: bool) -> None:
    """Make an endpoint, and show its secret this once. Without --event it is told what becomes of invoices."""
    _print_secret(await services.endpoints.add(name, url, event_types or None, local=local), as_json)


@command.command()
@click.argument("name")
@click.option("--url", help="Where it is from now on.")
@_events_option
@json_option
@with_services
async def change(services: Services, name: str, url: str | None, event_types: Sequence[str], as_json: bool) -> None:
    """Give an endpoint another URL, at once, or other events, from the next event on."""
    _print(await services.endpoints.change(name, url, event_types or None, by_operator=True), as_json)


@command.command()
@click.argument("name")
@with_services
async def remove(services: Services, name: str) -> None:
    """Remove an endpoint with its secret; what it was not told yet is given up."""
    await services.endpoints.remove(name)


@command.command()
@click.argument("name")
@json_option
@with_services
async def enable(services: Services, name: str, as_json: bool) -> None:
    """Send to an endpoint again, beginning with what is pending."""
    _print(await services.endpoints.enable(name), as_json)


@command.command()
@click.argument("name")
@json_option
@with_services
async def disable(services: Services, name: str, as_json: bool) -> None:
    """Send an endpoint nothing; what is pending waits, what happens meanwhile is not recorded for it."""
    _print(await services.endpoints.disable(name, "on the command line"), as_json)


@command.command("rotate-secret")
@click.argument("name")
@click.option(
    "--overlap",
    type=click.IntRange(0, MAX_OVERLAP_SECS),
    default=DEFAULT_OVERLAP_SECS,
    show_default=True,
    help="Seconds for which the old secret signs, too.",
)
@json_option
@with_services
async def rotate_secret(services: Services, name: str, overlap: int, as_json: bool) -> None:
    """Give an endpoint a new secret, and show it this once."""
    _print_secret(await services.endpoints.rotate(name, overlap), as_json)


@command.command()
@click.argument("name")
@json_option
@with_services
async def test(services: Services, name: str, as_json: bool) -> None:
    """Send an endpoint a test now, and show what it answers; status 1 if it does not take it."""
    answer = await services.endpoints.test(name)
    if as_json:
        print_json(answer_view(answer))
    else:
        print_fields({member.replace("_", " "): value for member, value in answer_view(answer).items()})
    if not answer.delivered:
        raise Unavailable(f"the endpoint did not take it: {answer.error or answer.status_code}")


@command.command()
@click.argument("name")
@click.option("--since", type=MOMENT, required=True, help="From that moment on (UTC).")
@click.option("--until", type=MOMENT, help="Before that moment (UTC); default: now.")
@json_option
@with_services
async def replay(services: Services, name: str, since: datetime, until: datetime | None, as_json: bool) -> None:
    """Tell an endpoint everything it wants of a range of time, again or for the first time. The daemon does it."""
    end = until.replace(tzinfo=UTC) if until else datetime.max.replace(tzinfo=UTC)
    count = await services.endpoints.replay(name, since.replace(tzinfo=UTC), end)
    if as_json:
        print_json({"replayed": count})
    else:
        click.echo(f"{count} deliveries are due")


def _print(endpoint: Endpoint, as_json: bool) -> None:
    if as_json:
        print_json(endpoint_view(endpoint))
    else:
        print_fields({name.replace("_", " "): _shown(value) for name, value in endpoint_view(endpoint).items()})


def _print_secret(endpoint: Endpoint, as_json: bool) -> None:
    if as_json:
        print_json(secret_view(endpoint))
        return
    _print(endpoint, as_json=False)
    click.echo(f"secret, shown only now: {endpoint.secret}")


def _shown(value: object) -> object:
    return " ".join(value) if isinstance(value, list) else value
