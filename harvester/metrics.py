"""The core's metrics: one object, built once, given to who counts. Adapters bring their own.

Base units, `_total` for counters, labels from small closed sets, label sets created at zero.
"""

import math
from collections.abc import Iterable, Mapping
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
        self.payments = Counter(
            "harvester_payments_total",
            f"Transfers recorded; the asset is a ticker, or {OTHER_ASSET} if it is not configured",
            ["chain", "asset", "class"],
            registry=registry,
        )
        self.payments_open = Gauge(
            "harvester_payments_open",
            "Payments that settle nothing and that nobody has dealt with",
            ["class"],
            registry=registry,
        )
        self.payments_oldest_open = Gauge(
            "harvester_payments_oldest_open_timestamp_seconds",
            "Chain time of the oldest of them, 0 if there is none",
            ["class"],
            registry=registry,
        )
        for payment_class in UNSETTLING:
            self.payments_open.labels(payment_class.value)
            self.payments_oldest_open.labels(payment_class.value)
        self.transitions = Counter(
            "harvester_invoice_transitions_total", "Invoices that came into a state", ["status"], registry=registry
        )
        for status in Status:
            self.transitions.labels(status.value)
        self.detection_delay = Histogram(
            "harvester_detection_delay_seconds",
            "From the chain time of a transfer to its commit",
            ["chain"],
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )
        self.cursor_conflicts = Counter(
            "harvester_cursor_conflicts_total", "Batches refused because the cursor had moved", registry=registry
        )
        self.webhook_attempts = Counter(
            "harvester_webhook_attempts_total", "Webhook attempts by result", ["result"], registry=registry
        )
        for result in ATTEMPT_RESULTS:
            self.webhook_attempts.labels(result)
        self.delivery_delay = Histogram(
            "harvester_webhook_delivery_delay_seconds",
            "From an event to the answer that took it",
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )
        self.deliveries_pending = Gauge(
            "harvester_webhook_deliveries_pending", "Deliveries in the outbox, counted up to 100000", registry=registry
        )
        self.deliveries_oldest = Gauge(
            "harvester_webhook_oldest_pending_timestamp_seconds",
            "Creation of the oldest pending delivery, 0 if there is none",
            registry=registry,
        )
        self.deliveries_dead = Gauge(
            "harvester_webhook_deliveries_dead",
            "Deliveries given up, counted up to 100000 an endpoint",
            registry=registry,
        )
        self.deliveries_given_up = Counter(
            "harvester_webhook_deliveries_given_up_total",
            "Deliveries whose last attempt failed, or that were refused for good",
            registry=registry,
        )
        self.endpoints_disabled = Gauge(
            "harvester_webhook_endpoints_disabled", "Endpoints that are told nothing", registry=registry
        )
        self.invoices = Gauge(
            "harvester_invoices", "Open invoices by status, counted up to 100000", ["status"], registry=registry
        )
        self.http_requests = Counter(
            "harvester_http_requests_total", "API requests", ["route", "method", "status"], registry=registry
        )
        self.http_duration = Histogram(
            "harvester_http_request_duration_seconds", "API requests", ["route", "method"], registry=registry
        )
        self.auth_failures = Counter(
            "harvester_auth_failures_total", "Private requests that were not let through", ["reason"], registry=registry
        )
        for reason in AUTH_FAILURES:
            self.auth_failures.labels(reason)
        self.rate_limited = Counter(
            "harvester_rate_limited_total",
            "Public requests refused because their address asks too often",
            registry=registry,
        )
        self.idempotent_requests = Counter(
            "harvester_idempotent_requests_total", "Requests with an Idempotency-Key", ["result"], registry=registry
        )
        for result in IDEMPOTENT_RESULTS:
            self.idempotent_requests.labels(result)
        self.rate_quotes = Counter(
            "harvester_rate_quotes_total", "Rates that the source was asked for", ["result"], registry=registry
        )
        for result in QUOTE_RESULTS:
            self.rate_quotes.labels(result)
        self.rate_made = Gauge(
            "harvester_rate_made_timestamp_seconds",
            "When the last rate was made, 0 if there is none",
            ["ticker", "currency"],
            registry=registry,
        )
        self.rate_valid_until = Gauge(
            "harvester_rate_valid_until_timestamp_seconds",
            "When the last rate ends, or has ended, 0 if there is none",
            ["ticker", "currency"],
            registry=registry,
        )
        self.head_time = Gauge(
            "harvester_chain_head_timestamp_seconds",
            "Chain time of the newest block, NaN if another process scans",
            ["chain"],
            registry=registry,
        )
        self.scanned_time = Gauge(
            "harvester_chain_scanned_timestamp_seconds",
            "Chain time up to which every account is scanned, NaN if that is not known or another process scans",
            ["chain"],
            registry=registry,
        )
        self.head_age = Gauge(
            "harvester_chain_head_age_seconds",
            "This host's clock minus the chain time of the newest block: grows while no blocks come, "
            "negative if the clock is behind, NaN if another process scans",
            ["chain"],
            registry=registry,
        )
        self.ready = Gauge("harvester_ready", "1 while /readyz says so", registry=registry)
        self.leases_held = Gauge(
            "harvester_leases_held", "1 while this process holds the lease", ["name"], registry=registry
        )
        self.database_up = Gauge("harvester_database_up", "1 if the database answered last", registry=registry)
        self.database_duration = Histogram(
            "harvester_database_operation_duration_seconds",
            "Waiting for a connection, a statement, or a commit",
            ["operation"],
            buckets=_DATABASE_BUCKETS,
            registry=registry,
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
