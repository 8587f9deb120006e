"""What the plug-in brings: routes that its document describes, each and no other."""

import json
from unittest.mock import create_autospec

from harvester.chain import AdapterPlugin, load_plugins
from harvester.chain.desk import Desk
from harvester.chain.hooks import HookPlugin, load_hooks
from harvester_tari.plugin import plugin
from tests.tari.test_adapter import build


def test_its_document_describes_its_routes_and_nothing_else() -> None:
    assert plugin.routes is not None
    assert plugin.openapi_path is not None
    routes = {(route.method, route.path) for route in plugin.routes(build(), create_autospec(Desk))}
    paths = json.loads(plugin.openapi_path.read_text())["paths"]
    assert routes == {(method.upper(), path) for path, item in paths.items() for method in item}


def test_whoever_brings_routes_describes_them() -> None:
    plugins: list[AdapterPlugin | HookPlugin] = [*load_plugins().values(), *load_hooks().values()]
    for each in plugins:
        assert (each.routes is None) is (each.openapi_path is None), each.name
