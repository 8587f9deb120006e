"""What the daemon is made of: every service once, each given what it works with."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from harvester.api.auth import Access
from harvester.api.limits import Limits
from harvester.chain import Clock
from harvester.chain.desk import Lives
from harvester.config.configuration import Configuration
from harvester.config.settings import DaemonSettings
from harvester.metrics import Metrics
from harvester.outgoing import egress_rules
from harvester.rate_feeding import rate_feed
from harvester.services.accounts import Accounts
from harvester.services.authentication import Authentication
from harvester.services.chains import Chains
from harvester.services.delivery import Delivery, Sender
from harvester.services.endpoints import Endpoints
from harvester.services.event_feed import EventFeed
from harvester.services.idempotency import Keys
from harvester.services.invoice_news import InvoiceNews
from harvester.services.invoicing import Invoicing
from harvester.services.ledger import LedgerService
from harvester.services.payments import Payments
from harvester.services.rate_feed import RateFeed
from harvester.services.rates import Rates
from harvester.services.sealed_metadata import SealedMetadata
from harvester.storage.database import Database
from harvester.storage.signals import Signals
from harvester.upkeep import Upkeep
from harvester.webhooks.client import DEFAULT_TIMEOUT_SECS


@dataclass(frozen=True, slots=True)
class Parts:
    """The services of one daemon, and what they share."""

    settings: DaemonSettings
    database: Database
    chains: Chains
    clock: Clock
    signals: Signals
    metrics: Metrics
    invoicing: Invoicing
    accounts: Accounts
    payments: Payments
    endpoints: Endpoints
    delivery: Delivery
    feed: EventFeed
    news: InvoiceNews
    rates: Rates
    prices: RateFeed
    sealed_metadata: SealedMetadata
    authentication: Authentication
    access: Access
    upkeep: Upkeep

    @classmethod
    def make(
        cls,
        configuration: Configuration[DaemonSettings],
        database: Database,
        sender: Sender,
        chains: Chains,
        clock: Clock,
        metrics: Metrics,
    ) -> Self:
        """Make them; nothing is started."""
        settings, signals = configuration.settings, Signals(database)
        tolerance_ppm = settings.underpayment_tolerance
        rates = Rates(database, chains, clock, settings.rate_valid_secs)
        authentication, keys = Authentication(database, signals, clock), Keys(database, clock)
        limits = Limits(settings.public_rate, settings.trusted_proxies)
        sealed_metadata = SealedMetadata(database, chains, clock)
        return cls(
            settings=settings,
            database=database,
            chains=chains,
            clock=clock,
            signals=signals,
            metrics=metrics,
            invoicing=Invoicing(database, chains, clock, signals, metrics),
            accounts=Accounts(
                database, chains, clock, signals, metrics, settings.unpaid_order_hours, settings.strict_order_ids
            ),
            payments=Payments(database, chains, clock, signals, metrics, tolerance_ppm=tolerance_ppm),
            endpoints=Endpoints(database, signals, clock, sender, egress_rules(settings)),
            delivery=Delivery(database, sender, signals, clock, metrics, DEFAULT_TIMEOUT_SECS),
            feed=EventFeed(database, signals),
            news=InvoiceNews(database, signals),
            rates=rates,
            prices=rate_feed(configuration, rates, metrics),
            sealed_metadata=sealed_metadata,
            authentication=authentication,
            access=Access(settings.token.get_secret_value(), authentication, keys, limits),
            upkeep=Upkeep(authentication, keys.prune, sealed_metadata.drop_unpaid),
        )

    @property
    def lives(self) -> Lives:
        """How long orders stay open."""
        return Lives(self.settings.unclaimed_order_hours, self.settings.unpaid_order_hours)

    def ledger(self, database: Database) -> LedgerService:
        """Return a ledger that writes to `database`, which may be one that a lease guards."""
        keep_watching: timedelta = self.settings.keep_watching_days
        return LedgerService(
            database,
            self.chains,
            self.clock,
            self.signals,
            self.metrics,
            tolerance_ppm=self.settings.underpayment_tolerance,
            keep_watching=keep_watching,
            credit_unmatched=self.settings.credit_unmatched,
        )
