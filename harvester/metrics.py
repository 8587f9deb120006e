"""The core's metrics: one object, built once, given to who counts. Adapters bring their own.

Base units, `_total` for counters, labels from small closed sets, label sets created at zero.
"""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from harvester.domain.lifecycle import Status
from harvester.domain.payment import PaymentClass

ATTEMPT_RESULTS: Final = ("delivered", "refused", "failed", "timeout")
QUOTE_RESULTS: Final = ("stored", "jump", "invalid", "missing", "failed")
_LATENCY_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class Metrics:
    """Every metric of the core, registered in `registry`."""

    def __init__(self, registry: CollectorRegistry, version: str) -> None:
        self.registry = registry
        Info("harvester_build", "Version of the running program", registry=registry).info({"version": version})
        self.payments = Counter("harvester_payments_total", "Transfers recorded", ["chain", "class"], registry=registry)
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
        self.endpoints_disabled = Gauge(
            "harvester_webhook_endpoints_disabled", "Endpoints that are told nothing", registry=registry
        )
        self.invoices = Gauge(
            "harvester_invoices", "Open invoices by status, counted up to 100000", ["status"], registry=registry
        )
        self.loop_success = Gauge(
            "harvester_loop_last_success_timestamp_seconds", "Last success of a loop", ["loop"], registry=registry
        )
        self.http_requests = Counter(
            "harvester_http_requests_total", "API requests", ["route", "method", "status"], registry=registry
        )
        self.http_duration = Histogram(
            "harvester_http_request_duration_seconds", "API requests", ["route", "method"], registry=registry
        )
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

    def create_chains(self, chains: Iterable[str]) -> None:
        """Create the label sets of `chains` at zero."""
        for chain in chains:
            for payment_class in PaymentClass:
                self.payments.labels(chain, payment_class.value)
            self.detection_delay.labels(chain)
