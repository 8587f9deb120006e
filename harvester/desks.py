"""Desks for the plug-ins that are configured, and the routes that they serve at them."""

from aiohttp import web

from harvester.api.plugins import PluginRoutes
from harvester.chain import AdapterPlugin, Clock
from harvester.chain.desk import Lives
from harvester.chain.hooks import HookPlugin
from harvester.config.configuration import Configuration
from harvester.config.settings import DaemonSettings
from harvester.metrics import Metrics
from harvester.services.chains import Chains
from harvester.services.desk import OrderDesk
from harvester.storage.database import Database
from harvester.storage.signals import Signals


def plugin_routes(
    configuration: Configuration[DaemonSettings],
    database: Database,
    chains: Chains,
    clock: Clock,
    signals: Signals,
    metrics: Metrics,
) -> PluginRoutes:
    """Return the routes of the configured adapters and hooks, each at a desk of its own."""
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
    plugins: list[AdapterPlugin | HookPlugin] = [
        *configuration.plugins,
        *(each for each, _ in configuration.hooks.values()),
    ]
    return PluginRoutes(routes, [each.openapi_path for each in plugins if each.openapi_path])
