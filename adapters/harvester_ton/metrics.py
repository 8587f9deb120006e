"""What Prometheus learns of TON. Labels are configured names: a node's host and port, an asset's ticker."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from harvester_ton.verification import Reason

RESULTS: Final = ("ok", "refused", "unwell")
_REQUEST_BUCKETS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class TonMetrics:
    """The adapter's metrics, registered once; `add_node` and `add_account` create their label sets at zero."""

    def __init__(self, registry: CollectorRegistry) -> None:
        prefix = "harvester_ton_"
        self.head_seqno = Gauge(prefix + "head_seqno", "Newest masterchain block in use.", registry=registry)
        self.head_time = Gauge(
            prefix + "head_timestamp_seconds", "Chain time of the newest shard block seen.", registry=registry
        )
        self.scanned = Gauge(
            prefix + "scanned_timestamp_seconds",
            "Chain time up to which an account is scanned.",
            ["account"],
            registry=registry,
        )
        self.transactions = Counter(
            prefix + "transactions_total",
            "Transactions scanned, whatever they brought.",
            ["account"],
            registry=registry,
        )
        self.unverified = Gauge(
            prefix + "account_unverified",
            "1 while a jetton's wallet is known by the word of lite servers alone, though VERIFY=proofs.",
            ["account"],
            registry=registry,
        )
        self.proof_checks = Counter(
            prefix + "proof_checks_total",
            "Answers of lite servers that were verified, by result: ok, or why they were refused.",
            ["result"],
            registry=registry,
        )
        for result in ("ok", *Reason):
            self.proof_checks.labels(result)
        self.proven_seqno = Gauge(prefix + "proven_seqno", "Newest proven masterchain block.", registry=registry)
        self.trust_broken = Gauge(
            prefix + "trust_broken",
            "1 while no block is proven because the chain contradicts the trusted block.",
            registry=registry,
        )
        self.node_up = Gauge(prefix + "node_up", "1 while the lite server is in use.", ["node"], registry=registry)
        self.node_lag = Gauge(
            prefix + "node_lag_seconds",
            "How long the lite server has been behind the best one.",
            ["node"],
            registry=registry,
        )
        self.requests = Counter(
            prefix + "node_requests_total",
            "Requests to a lite server by result.",
            ["node", "result"],
            registry=registry,
        )
        self.duration = Histogram(
            prefix + "node_request_duration_seconds",
            "Time to the answer of a lite server.",
            ["node"],
            registry=registry,
            buckets=_REQUEST_BUCKETS,
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
