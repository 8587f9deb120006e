"""What Prometheus learns of TON. Labels are configured names: a node's host and port, an asset's ticker."""

from collections.abc import Iterable
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from harvester_ton.verification import Reason

RESULTS: Final = ("ok", "refused", "unwell")
_REQUEST_BUCKETS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class TonMetrics:
    """The adapter's metrics, registered once; `add_nodes` and `add_accounts` create their label sets at zero."""

    def __init__(self, registry: CollectorRegistry) -> None:
        counter = partial(Counter, registry=registry, namespace="harvester_ton")
        gauge = partial(Gauge, registry=registry, namespace="harvester_ton")
        histogram = partial(Histogram, registry=registry, namespace="harvester_ton")
        self.head_seqno = gauge("head_seqno", "Newest masterchain block in use.")
        self.head_time = gauge("head_timestamp_seconds", "Chain time of the newest shard block seen.")
        self.scanned = gauge("scanned_timestamp_seconds", "Chain time up to which an account is scanned.", ["account"])
        self.transactions = counter("transactions_total", "Transactions scanned, whatever they brought.", ["account"])
        self.unverified = gauge(
            "account_unverified",
            "1 while a jetton's wallet is known by the word of lite servers alone, though VERIFY=proofs.",
            ["account"],
        )
        self.proof_checks = counter(
            "proof_checks_total",
            "Answers of lite servers that were verified, by result: ok, or why they were refused.",
            ["result"],
        )
        for result in ("ok", *Reason):
            self.proof_checks.labels(result)
        self.proven_seqno = gauge("proven_seqno", "Newest proven masterchain block.")
        self.trust_broken = gauge(
            "trust_broken", "1 while no block is proven because the chain contradicts the trusted block."
        )
        self.node_up = gauge("node_up", "1 while the lite server is in use.", ["node"])
        self.node_lag = gauge("node_lag_seconds", "How long the lite server has been behind the best one.", ["node"])
        self.requests = counter("node_requests_total", "Requests to a lite server by result.", ["node", "result"])
        self.duration = histogram(
            "node_request_duration_seconds", "Time to the answer of a lite server.", ["node"], buckets=_REQUEST_BUCKETS
        )

    def add_nodes(self, names: Iterable[str]) -> None:
        """Create the label sets of lite servers."""
        for name in names:
            self.node_up.labels(name).set(0)
            self.node_lag.labels(name).set(0)
            self.duration.labels(name)
            for result in RESULTS:
                self.requests.labels(name, result)

    def add_accounts(self, names: Iterable[str]) -> None:
        """Create the label sets of accounts, named by ticker."""
        for name in names:
            self.scanned.labels(name).set(0)
            self.transactions.labels(name)
            self.unverified.labels(name).set(0)
