"""The composition root: what the daemon is made of, in which order it starts, and in which it stops."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from importlib.metadata import version

from harvester.api.app import build_api, build_metrics_app, build_site
from harvester.api.auth import Access
from harvester.api.endpoints import EndpointRoutes
from harvester.api.events import EventRoutes
from harvester.api.exports import ExportRoutes
from harvester.api.invoices import InvoiceRoutes, PublicInvoiceRoutes
from harvester.api.limits import Limits
from harvester.api.page.routes import PageRoutes
from harvester.api.page.site import Site
from harvester.api.page.stream import InvoiceStreamRoutes
from harvester.api.payments import PaymentRoutes
from harvester.api.printed_receipts import PrintedReceiptRoutes
from harvester.api.public import ManifestRoutes
from harvester.api.rates import RateRoutes
from harvester.api.sealed_metadata import SealedMetadataRoutes
from harvester.api.tokens import TokenRoutes
from harvester.chain import Adapter, Clock, Pulse
from harvester.config.configuration import Configuration
from harvester.config.forms import ListenAddress, Role
from harvester.config.settings import DaemonSettings
from harvester.counting import Counts
from harvester.desks import plugin_routes
from harvester.housekeeping import Watch, Watcher
from harvester.metrics import Metrics
from harvester.notify import Notifier
from harvester.outgoing import egress_rules, webhook_client
from harvester.rate_feeding import rate_feed
from harvester.services.authentication import Authentication
from harvester.services.chains import Chains
from harvester.services.delivery import Delivery
from harvester.services.endpoints import Endpoints
from harvester.services.event_feed import EventFeed
from harvester.services.exports import Exports
from harvester.services.idempotency import Keys
from harvester.services.invoice_news import InvoiceNews
from harvester.services.invoicing import Invoicing
from harvester.services.leading import NOT_ITS_ROLE, Leader
from harvester.services.ledger import LedgerService
from harvester.services.outbox import Outbox
from harvester.services.payments import Payments
from harvester.services.printed_receipts import PrintedReceipts
from harvester.services.rates import Rates
from harvester.services.sealed_metadata import SealedMetadata
from harvester.services.tokens import Tokens
from harvester.startup import listening, migration_scopes, open_database, prepare_database, when_available
from harvester.storage.migrate import missing_migrations
from harvester.storage.signals import Signals
from harvester.supervision import crew, unless_stopped
from harvester.upkeep import Upkeep
from harvester.webhooks.client import DEFAULT_TIMEOUT_SECS

Scan = Callable[[asyncio.Event, Pulse], Awaitable[None]]


async def run_daemon(
    configuration: Configuration[DaemonSettings],
    clock: Clock,
    notifier: Notifier,
    stop: asyncio.Event,
    watcher: Watcher | None = None,
) -> None:
    """Run until `stop` is set, then finish what is at work.

    Raises:
        ConfigurationError, or an ExceptionGroup of it: this program cannot use the database.
        Unavailable: an address cannot be listened on.
        ExceptionGroup: of what killed a task.
    """
    settings = configuration.settings
    release = version("harvester")
    metrics = Metrics(configuration.registry, release)
    chains = Chains(configuration.adapters)
    metrics.create_chains(chains.tickers())
    scopes = migration_scopes(configuration.plugins)

    hooks = {name: hook for name, (_, hook) in configuration.hooks.items()}
    async with (
        open_database(settings, metrics.observe_database) as database,
        webhook_client(settings, clock, release, hooks, configuration.secrets) as client,
    ):
        signals = Signals(database)
        invoicing = Invoicing(database, chains, clock, signals, metrics)
        payments = Payments(database, chains, clock, signals, metrics, tolerance_ppm=settings.underpayment_tolerance)
        make_ledger = partial(
            LedgerService,
            chains=chains,
            clock=clock,
            signals=signals,
            metrics=metrics,
            tolerance_ppm=settings.underpayment_tolerance,
            keep_watching=settings.keep_watching_days,
            credit_unmatched=settings.credit_unmatched,
        )
        delivery = Delivery(database, client, signals, clock, metrics, DEFAULT_TIMEOUT_SECS)
        feed = EventFeed(database, signals)
        endpoints = Endpoints(database, signals, clock, client, egress_rules(settings))
        pulses = configuration.pulses
        watch = Watch(
            partial(missing_migrations, database, scopes), chains, clock, pulses, notifier, stop, metrics, watcher
        )
        opened = asyncio.Event()
        watch.heed("start", lambda: None if opened.is_set() else "not finished")
        authentication, keys = Authentication(database, signals, clock), Keys(database, clock)
        limits = Limits(settings.public_rate, settings.trusted_proxies)
        access = Access(settings.token.get_secret_value(), authentication, keys, limits)
        news = InvoiceNews(database, signals)
        sealed_metadata = SealedMetadata(database, chains, clock)
        upkeep = Upkeep(authentication, keys.prune, sealed_metadata.drop_unpaid)
        public = (
            PublicInvoiceRoutes(invoicing, chains),
            SealedMetadataRoutes(sealed_metadata),
            ManifestRoutes(settings.domain),
            PageRoutes(
                invoicing,
                chains,
                clock,
                Site(settings.page_style, dict(settings.page_explorers), connectable=settings.domain is not None),
            ),
            InvoiceStreamRoutes(news, chains),
        )
        rates = Rates(database, chains, clock, settings.rate_valid_secs)
        prices = rate_feed(configuration, rates, metrics)
        private = (
            InvoiceRoutes(invoicing, chains),
            PaymentRoutes(payments, chains),
            EventRoutes(feed),
            EndpointRoutes(endpoints, Outbox(database, signals, clock)),
            TokenRoutes(Tokens(database, clock)),
            RateRoutes(rates),
            ExportRoutes(Exports(database, chains)),
            PrintedReceiptRoutes(PrintedReceipts(database)),
        )
        brought = plugin_routes(configuration, database, chains, clock, signals, metrics)
        api = build_api(chains, watch.readiness, metrics, access, (*public, brought), private, opened, prices.remarks)

        # The end goes from the last line up: the loops finish their work, the listeners close, then the database.
        async with (
            listening(
                "METRICS",
                build_metrics_app(metrics.registry, chains, watch.readiness, prices.remarks),
                settings.metrics,
            ),
            listening("PORT", api, ListenAddress(settings.host, settings.port) if Role.API in settings.role else None),
            listening(
                "SITE",
                build_site(metrics, limits, public, opened),
                settings.site if Role.API in settings.role else None,
            ),
            crew(stop) as tasks,
        ):
            tasks.serve("readiness", pulses.over("readiness", watch.run))
            prepare = partial(prepare_database, database, scopes, settings, hooks, clock)
            if await unless_stopped(stop, when_available(prepare)):
                opened.set()
                tasks.serve("signals", signals.run())
                tasks.serve("tokens", authentication.heed_hints())
                tasks.work("upkeep", pulses.over("upkeep", partial(upkeep.run, stop)))
                tasks.work("events", feed.run(stop))
                tasks.work("invoice news", pulses.over("invoice news", partial(news.run, stop)))
                tasks.serve("housekeeping", pulses.over("housekeeping", Counts(database, metrics).run))
                if Role.API in settings.role:
                    tasks.serve("rates", prices.run())
                if Role.DELIVER in settings.role:
                    watch.heed("deliveries", delivery.trouble)
                    tasks.work("deliveries", pulses.over("deliveries", partial(delivery.run, stop)))
                lead = partial(Leader, make_ledger=make_ledger, database=database, chains=chains, metrics=metrics)
                for name, scan in _scans(chains, lead if Role.WATCH in settings.role else None):
                    tasks.work(name, pulses.over(f"lease {name}", partial(scan, stop)))


def _scans(chains: Chains, lead: Callable[[Adapter], Leader] | None) -> Iterator[tuple[str, Scan]]:
    """Yield what scans each chain while no other process does; `lead` None: that is not for this process to do."""
    for name, adapter in chains.adapters.items():
        if lead is None:
            chains.stand_by(name, NOT_ITS_ROLE)
        else:
            yield name, lead(adapter).run
