"""Desks for the plug-ins that are configured, and the routes that they serve at them."""

from aiohttp import web

from harvester.api.plugins import PluginRoutes
from harvester.chain import AdapterPlugin
from harvester.chain.hooks import HookPlugin
from harvester.config.configuration import Configuration
from harvester.config.settings import DaemonSettings
from harvester.parts import Parts
from harvester.services.desk import OrderDesk


def plugin_routes(configuration: Configuration[DaemonSettings], parts: Parts) -> PluginRoutes:
    """Return the routes of the configured adapters and hooks, each at a desk of its own."""
    strict = parts.settings.strict_order_ids

    def desk(chain: str) -> OrderDesk:
        return OrderDesk(
            parts.database, parts.chains, parts.clock, parts.signals, parts.metrics, chain, parts.lives, strict
        )

    routes: list[web.RouteDef] = []
    for plugin, adapter in zip(configuration.plugins, configuration.adapters, strict=True):
        if plugin.routes:
            routes += plugin.routes(adapter, desk(adapter.name))
    for hook_plugin, hook in configuration.hooks.values():
        if hook_plugin.routes:
            routes += hook_plugin.routes(hook, desk(next(iter(parts.chains.adapters))))
    plugins: list[AdapterPlugin | HookPlugin] = [
        *configuration.plugins,
        *(each for each, _ in configuration.hooks.values()),
    ]
    return PluginRoutes(routes, [each.openapi_path for each in plugins if each.openapi_path])
