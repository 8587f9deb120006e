"""Plug-ins that are installed, found by entry point."""

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any, TypeVar

from harvester.domain.errors import ConfigurationError

_Plugin = TypeVar("_Plugin")


def installed_plugins(group: str) -> dict[str, Any]:
    """Return what the entry points of `group` name, by name; a plug-in whose extra is not installed is left out."""
    found: dict[str, Any] = {}
    for entry_point in entry_points(group=group):
        try:
            found[entry_point.name] = entry_point.load()
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("harvester"):
                raise
    return dict(sorted(found.items()))


def choose_installed(plugins: Mapping[str, _Plugin], name: str, setting: str, kind: str) -> _Plugin:
    """Return the plug-in called `name`, a `kind` such as `adapter`, which `setting` names.

    Raises:
        ConfigurationError: it is not installed; the message lists what is.
    """
    try:
        return plugins[name]
    except KeyError:
        known = ", ".join(plugins) or "none"
        raise ConfigurationError(f"{setting}: no {kind} called {name!r} is installed (installed: {known})") from None
