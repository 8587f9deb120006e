"""Desks for the plug-ins that are configured, and the routes that they serve at them."""

from collections.abc import Sequence

from aiohttp import web

from harvester.chain import Clock
from harvester.chain.desk import Lives
from harvester.config.configuration import Configuration
from harvester.config.settings import Settings
from harvester.metrics import Metrics
from harvester.services.chains import Chains
from harvester.services.desk import OrderDesk
from harvester.storage.database import Database
from harvester.storage.signals import Signals


def plugin_routes(
    configuration: Configuration[Settings],
    database: Database,
    chains: Chains,
    clock: Clock,
    signals: Signals,
    metrics: Metrics,
) -> Sequence[web.RouteDef]:
    """Return the routes of the configured adapters and hooks, each with a desk of its own."""
    settings = configuration.settings
    lives = Lives(settings.unclaimed_order_hours, settings.unpaid_order_hours)

    def desk(chain: str) -> OrderDesk:
        return OrderDesk(database, chains, clock, signals, metrics, chain, lives, settings.strict_order_ids)

    routes: list[web.RouteDef] = []
    for plugin, adapter in zip(configuration.plugins, configuration.adapters, strict=True):
        if plugin.routes:
            routes += plugin.routes(adapter, desk(adapter.name))
    for hook_plugin, hook in configuration.hooks.values():
        if hook_plugin.routes:
            routes += hook_plugin.routes(hook, desk(next(iter(chains.adapters))))
    return routes
