"""`harvester webhook`: what was told to whom, what was not, and telling it again."""

from dataclasses import asdict
from uuid import UUID

import click

from harvester.cli.output import json_option, print_fields, print_json, print_table
from harvester.cli.services import Services, with_services
from harvester.domain.errors import InvalidInput
from harvester.domain.identifiers import parse_uuid
from harvester.services.outbox import MAX_PAGE
from harvester.services.webhook_views import deliveries_view, delivery_view
from harvester.storage.deliveries import Attempt, DeliveryStatus


@click.group()
def command() -> None:
    """List webhook deliveries, and send them again."""


@command.command("list")
@click.option(
    "--status",
    type=click.Choice([status.value for status in DeliveryStatus]),
    default=DeliveryStatus.DEAD.value,
    show_default=True,
)
@click.option("--limit", type=click.IntRange(1, MAX_PAGE), default=20, show_default=True, help="How many.")
@click.option("--before", metavar="ID", type=int, help="Only those made before this one.")
@click.option("--endpoint", metavar="NAME", help="Only those to this endpoint.")
@json_option
@with_services
async def list_deliveries(
    services: Services, status: str, limit: int, before: int | None, endpoint: str | None, as_json: bool
) -> None:
    """List deliveries, newest first: those that were given up, or those in another state."""
    endpoint_id = (await services.endpoints.get(endpoint)).id if endpoint else None
    page = await services.outbox.page([DeliveryStatus(status)], limit, before, endpoint_id)
    if as_json:
        print_json(deliveries_view(page, limit))
        return
    print_table(
        ["id", "status", "endpoint", "event", "invoice", "attempts", "due", "last answer", "event id"],
        [
            (
                delivery.id,
                delivery.status,
                delivery.endpoint,
                delivery.event_type if delivery.sequence is None else f"{delivery.event_type} #{delivery.sequence}",
                delivery.invoice_id,
                delivery.attempts,
                delivery.due_at if delivery.status is DeliveryStatus.PENDING else None,
                _outcome(delivery.last_attempt),
                delivery.event_id,
            )
            for delivery in page
        ],
    )


@command.command()
@click.argument("delivery_id", type=int)
@json_option
@with_services
async def show(services: Services, delivery_id: int, as_json: bool) -> None:
    """Show a delivery and all its attempts."""
    delivery, attempts = await services.outbox.show(delivery_id)
    if as_json:
        print_json(delivery_view(delivery, attempts))
        return
    print_fields({name.replace("_", " "): value for name, value in asdict(delivery).items() if name != "last_attempt"})
    print_table(
        ["attempted", "milliseconds", "answer", "head of the answer"],
        [(attempt.attempted_at, attempt.duration_ms, _outcome(attempt), attempt.response_head) for attempt in attempts],
    )


@command.command()
@click.argument("delivery_or_event_id")
@json_option
@with_services
async def resend(services: Services, delivery_or_event_id: str, as_json: bool) -> None:
    """Send a delivery (by its number), or all deliveries of an event (by its UUID), again. The daemon does it."""
    resent = await services.outbox.resend(_delivery_or_event(delivery_or_event_id))
    if as_json:
        print_json({"resent": [asdict(delivery) for delivery in resent]})
        return
    print_table(
        ["delivery", "endpoint", "was", ""],
        [
            (
                delivery.delivery_id,
                delivery.endpoint,
                delivery.was,
                None if delivery.endpoint_enabled else "waits until the endpoint is enabled",
            )
            for delivery in resent
        ],
    )


@command.command()
@click.option("--older-than", metavar="DAYS", type=int, required=True, help="Only those taken more than DAYS days ago.")
@json_option
@with_services
async def prune(services: Services, older_than: int, as_json: bool) -> None:
    """Forget deliveries that were taken long ago. Events stay: they can be replayed."""
    pruned = await services.outbox.prune(older_than)
    if as_json:
        print_json({"pruned": pruned})
    else:
        click.echo(f"{pruned} deliveries forgotten")


def _delivery_or_event(text: str) -> int | UUID:
    if text.isascii() and text.isdecimal() and len(text) < len(str(2**63)):
        return int(text)
    try:
        return parse_uuid(text)
    except InvalidInput:
        raise InvalidInput("invalid id: the number of a delivery or the UUID of an event is expected") from None


def _outcome(attempt: Attempt | None) -> str | None:
    if attempt is None:
        return None
    return str(attempt.status_code) if attempt.status_code is not None else attempt.error
