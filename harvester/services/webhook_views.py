"""Endpoints, deliveries and attempts as JSON members: the same for the API and the command line.

Times are Unix seconds; a member that does not apply is absent. Secrets are not among them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from harvester.domain.events import unix_seconds
from harvester.services.delivery import Answer
from harvester.services.paging import page_view
from harvester.storage.deliveries import Attempt
from harvester.storage.endpoints import ENVIRONMENT, Endpoint
from harvester.storage.outbox import DeliveryRecord


def endpoint_view(endpoint: Endpoint) -> dict[str, Any]:
    """Return an endpoint without its secrets: of the environment's URL only scheme and host, it often carries a key."""
    return _view(
        {
            "id": str(endpoint.id),
            "name": endpoint.name,
            "url": shown_url(endpoint),
            "event_types": list(endpoint.event_types),
            "local": endpoint.local,
            "enabled": endpoint.enabled,
            "disabled_reason": endpoint.disabled_reason,
            "old_secret_until": endpoint.old_secret_until,
            "created_at": endpoint.created_at,
            "updated_at": endpoint.updated_at,
        }
    )


def secret_view(endpoint: Endpoint) -> dict[str, Any]:
    """Return an endpoint with its secret, for the one time that it is shown."""
    return endpoint_view(endpoint) | {"secret": endpoint.secret}


def shown_url(endpoint: Endpoint) -> str:
    """Return the URL that may be shown."""
    if endpoint.name != ENVIRONMENT:
        return endpoint.url
    parts = urlsplit(endpoint.url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/…"


def answer_view(answer: Answer) -> dict[str, Any]:
    """Return what an endpoint answered to a test."""
    return _view(
        {
            "delivered": answer.delivered,
            "attempted_at": answer.attempted_at,
            "duration_ms": answer.duration_ms,
            "status_code": answer.status_code,
            "error": answer.error,
            "response_head": answer.head,
        }
    )


def deliveries_view(page: Sequence[DeliveryRecord], limit: int) -> dict[str, object]:
    """Return a page of deliveries."""
    return page_view("deliveries", [delivery_view(each) for each in page], [each.id for each in page], limit)


def delivery_view(delivery: DeliveryRecord, attempts: Sequence[Attempt] | None = None) -> dict[str, Any]:
    """Return a delivery, with all its attempts as `tries` if they are given."""
    view = _view(asdict(delivery) | {"event_id": str(delivery.event_id)})
    if delivery.invoice_id:
        view["invoice_id"] = str(delivery.invoice_id)
    if delivery.last_attempt:
        view["last_attempt"] = _view(asdict(delivery.last_attempt))
    if attempts is not None:
        view["tries"] = [_view(asdict(attempt)) for attempt in attempts]
    return view


def _view(members: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: unix_seconds(value) if isinstance(value, datetime) else value
        for name, value in members.items()
        if value is not None
    }
