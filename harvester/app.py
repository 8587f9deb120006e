"""The composition root: how the daemon starts and stops, in which order, and what runs in between."""

import asyncio
from functools import partial
from importlib.metadata import version

from harvester.api.app import build_api, build_metrics_app, build_site
from harvester.chain import Clock
from harvester.config.configuration import Configuration
from harvester.config.forms import ListenAddress, Role
from harvester.config.settings import DaemonSettings
from harvester.counting import Counts
from harvester.desks import plugin_routes
from harvester.housekeeping import Watch, Watcher
from harvester.metrics import Metrics
from harvester.notify import Notifier
from harvester.outgoing import webhook_client
from harvester.parts import Parts
from harvester.pulse import Pulses
from harvester.services.chains import Chains
from harvester.services.leading import NOT_ITS_ROLE, Leader
from harvester.serving import private_routes, public_routes
from harvester.startup import listening, migration_scopes, open_database, prepare_database, when_available
from harvester.storage.migrate import missing_migrations
from harvester.supervision import Crew, crew, unless_stopped


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
        Unavailable: an address cannot be listened on, or the embedded database has not started.
        ExceptionGroup: of what killed a task.
    """
    settings, pulses = configuration.settings, configuration.pulses
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
        parts = Parts.make(configuration, database, client, chains, clock, metrics)
        missing = partial(missing_migrations, database, scopes)
        watch = Watch(missing, chains, clock, pulses, notifier, stop, metrics, watcher)
        opened = asyncio.Event()
        watch.heed("start", lambda: None if opened.is_set() else "not finished")
        public, private, remarks = public_routes(parts), private_routes(parts), parts.prices.remarks
        everybody = (*public, plugin_routes(configuration, parts))
        api = build_api(chains, watch.readiness, metrics, parts.access, everybody, private, opened, remarks)
        site = build_site(metrics, parts.access.limits, public, opened)
        serves = Role.API in settings.role

        # The end goes from the last line up: the loops finish their work, the listeners close, then the database.
        async with (
            listening(
                "METRICS", build_metrics_app(metrics.registry, chains, watch.readiness, remarks), settings.metrics
            ),
            listening("PORT", api, ListenAddress(settings.host, settings.port) if serves else None),
            listening("SITE", site, settings.site if serves else None),
            crew(stop) as tasks,
        ):
            tasks.serve("readiness", pulses.over("readiness", watch.run))
            prepare = partial(prepare_database, database, scopes, settings, hooks, clock)
            if await unless_stopped(stop, when_available(prepare)):
                opened.set()
                _start(tasks, parts, pulses, watch, stop)


def _start(tasks: Crew, parts: Parts, pulses: Pulses, watch: Watch, stop: asyncio.Event) -> None:
    """Start what the database has to be ready for."""
    role, delivery = parts.settings.role, parts.delivery
    tasks.serve("signals", parts.signals.run())
    tasks.serve("tokens", parts.authentication.heed_hints())
    tasks.work("upkeep", pulses.over("upkeep", partial(parts.upkeep.run, stop)))
    tasks.work("events", parts.feed.run(stop))
    tasks.work("invoice news", pulses.over("invoice news", partial(parts.news.run, stop)))
    tasks.serve("housekeeping", pulses.over("housekeeping", Counts(parts.database, parts.metrics).run))
    if Role.API in role:
        tasks.serve("rates", parts.prices.run())
    if Role.DELIVER in role:
        watch.heed("deliveries", delivery.trouble)
        tasks.work("deliveries", pulses.over("deliveries", partial(delivery.run, stop)))
    for name, adapter in parts.chains.adapters.items():
        if Role.WATCH in role:
            leader = Leader(adapter, parts.ledger, parts.database, parts.chains, parts.metrics)
            tasks.work(name, pulses.over(f"lease {name}", partial(leader.run, stop)))
        else:
            parts.chains.stand_by(name, NOT_ITS_ROLE)
