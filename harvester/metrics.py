"""The core's metrics: one object, built once, given to who counts. Adapters bring their own.

Base units, `_total` for counters, labels from small closed sets, label sets created at zero.
"""

import math
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

from harvester.domain.events import Event, EventType
from harvester.domain.lifecycle import Status
from harvester.domain.payment import PaymentClass

ATTEMPT_RESULTS: Final = ("delivered", "refused", "failed", "timeout")
AUTH_FAILURES: Final = ("missing", "wrong", "limited", "scope")
IDEMPOTENT_RESULTS: Final = ("done", "replayed", "mismatch", "running")
QUOTE_RESULTS: Final = ("stored", "jump", "invalid", "missing", "failed")
UNSETTLING: Final = (PaymentClass.UNMATCHED, PaymentClass.WRONG_ASSET)
"""Classes of payments that count for no invoice unless somebody says so."""
OTHER_ASSET: Final = "other"
"""The `asset` label of what is not configured: anybody can make a jetton."""
DATABASE_OPERATIONS: Final = ("acquire", "statement", "commit")
_STATUS_AFTER: Final = {
    EventType.CLAIMED: Status.WAITING,
    EventType.PAID: Status.PAID,
    EventType.CANCELLED: Status.CANCELLED,
    EventType.EXPIRED: Status.EXPIRED,
}
_DATABASE_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LATENCY_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class Metrics:
    """Every metric of the core, registered in `registry`."""

    def __init__(self, registry: CollectorRegistry, version: str) -> None:
        self.registry = registry
        Info("harvester_build", "Version of the running program", registry=registry).info({"version": version})
        ProcessCollector(namespace="harvester", registry=registry)
        counter = partial(Counter, registry=registry)
        gauge = partial(Gauge, registry=registry)
        histogram = partial(Histogram, registry=registry)
        self.payments = counter(
            "harvester_payments_total",
            f"Transfers recorded; the asset is a ticker, or {OTHER_ASSET} if it is not configured",
            ["chain", "asset", "class"],
        )
        self.payments_open = gauge(
            "harvester_payments_open", "Payments that settle nothing and that nobody has dealt with", ["class"]
        )
        self.payments_oldest_open = gauge(
            "harvester_payments_oldest_open_timestamp_seconds",
            "Chain time of the oldest of them, 0 if there is none",
            ["class"],
        )
        for payment_class in UNSETTLING:
            self.payments_open.labels(payment_class.value)
            self.payments_oldest_open.labels(payment_class.value)
        self.transitions = counter("harvester_invoice_transitions_total", "Invoices that came into a state", ["status"])
        for status in Status:
            self.transitions.labels(status.value)
        self.detection_delay = histogram(
            "harvester_detection_delay_seconds",
            "From the chain time of a transfer to its commit",
            ["chain"],
            buckets=_LATENCY_BUCKETS,
        )
        self.cursor_conflicts = counter(
            "harvester_cursor_conflicts_total", "Batches refused because the cursor had moved"
        )
        self.webhook_attempts = counter("harvester_webhook_attempts_total", "Webhook attempts by result", ["result"])
        for result in ATTEMPT_RESULTS:
            self.webhook_attempts.labels(result)
        self.delivery_delay = histogram(
            "harvester_webhook_delivery_delay_seconds",
            "From an event to the answer that took it",
            buckets=_LATENCY_BUCKETS,
        )
        self.deliveries_pending = gauge(
            "harvester_webhook_deliveries_pending", "Deliveries in the outbox, counted up to 100000"
        )
        self.deliveries_oldest = gauge(
            "harvester_webhook_oldest_pending_timestamp_seconds",
            "Creation of the oldest pending delivery, 0 if there is none",
        )
        self.deliveries_dead = gauge(
            "harvester_webhook_deliveries_dead", "Deliveries given up, counted up to 100000 an endpoint"
        )
        self.deliveries_given_up = counter(
            "harvester_webhook_deliveries_given_up_total",
            "Deliveries whose last attempt failed, or that were refused for good",
        )
        self.endpoints_disabled = gauge("harvester_webhook_endpoints_disabled", "Endpoints that are told nothing")
        self.invoices = gauge("harvester_invoices", "Open invoices by status, counted up to 100000", ["status"])
        self.http_requests = counter("harvester_http_requests_total", "API requests", ["route", "method", "status"])
        self.http_duration = histogram("harvester_http_request_duration_seconds", "API requests", ["route", "method"])
        self.auth_failures = counter(
            "harvester_auth_failures_total", "Private requests that were not let through", ["reason"]
        )
        for reason in AUTH_FAILURES:
            self.auth_failures.labels(reason)
        self.rate_limited = counter(
            "harvester_rate_limited_total", "Public requests refused because their address asks too often"
        )
        self.idempotent_requests = counter(
            "harvester_idempotent_requests_total", "Requests with an Idempotency-Key", ["result"]
        )
        for result in IDEMPOTENT_RESULTS:
            self.idempotent_requests.labels(result)
        self.rate_quotes = counter("harvester_rate_quotes_total", "Rates that the source was asked for", ["result"])
        for result in QUOTE_RESULTS:
            self.rate_quotes.labels(result)
        self.rate_made = gauge(
            "harvester_rate_made_timestamp_seconds",
            "When the last rate was made, 0 if there is none",
            ["ticker", "currency"],
        )
        self.rate_valid_until = gauge(
            "harvester_rate_valid_until_timestamp_seconds",
            "When the last rate ends, or has ended, 0 if there is none",
            ["ticker", "currency"],
        )
        self.head_time = gauge(
            "harvester_chain_head_timestamp_seconds",
            "Chain time of the newest block, NaN if another process scans",
            ["chain"],
        )
        self.scanned_time = gauge(
            "harvester_chain_scanned_timestamp_seconds",
            "Chain time up to which every account is scanned, NaN if that is not known or another process scans",
            ["chain"],
        )
        self.head_age = gauge(
            "harvester_chain_head_age_seconds",
            "This host's clock minus the chain time of the newest block: grows while no blocks come, "
            "negative if the clock is behind, NaN if another process scans",
            ["chain"],
        )
        self.ready = gauge("harvester_ready", "1 while /readyz says so")
        self.leases_held = gauge("harvester_leases_held", "1 while this process holds the lease", ["name"])
        self.database_up = gauge("harvester_database_up", "1 if the database answered last")
        self.database_duration = histogram(
            "harvester_database_operation_duration_seconds",
            "Waiting for a connection, a statement, or a commit",
            ["operation"],
            buckets=_DATABASE_BUCKETS,
        )
        self._database_meters = {each: self.database_duration.labels(each).observe for each in DATABASE_OPERATIONS}

    def observe_database(self, operation: str, secs: float) -> None:
        """Take note that one of `DATABASE_OPERATIONS` took so long."""
        self._database_meters[operation](secs)

    def count_transitions(self, events: Iterable[Event]) -> None:
        """Count the invoices that came into a state by `events`; where they are made, they are counted apart."""
        for event in events:
            if status := _STATUS_AFTER.get(event.type):
                self.transitions.labels(status.value).inc()

    def create_chains(self, assets: Mapping[str, Iterable[str]]) -> None:
        """Create the label sets of chains, named with the tickers of their assets, at zero."""
        for chain, tickers in assets.items():
            for asset in (*tickers, OTHER_ASSET):
                for payment_class in PaymentClass:
                    self.payments.labels(chain, asset, payment_class.value)
            self.detection_delay.labels(chain)
            for unknown in (self.head_age, self.head_time, self.scanned_time):
                unknown.labels(chain).set(math.nan)
