"""What an adapter is found by, and built from."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harvester.chain.adapter import Adapter
from harvester.chain.desk import Desk
from harvester.chain.installed import choose_installed, installed_plugins
from harvester.chain.loops import Clock, Watched, unwatched

if TYPE_CHECKING:
    import click
    from aiohttp import web
    from prometheus_client import CollectorRegistry

ENTRY_POINT_GROUP: Final = "harvester.adapters"


@dataclass(frozen=True, slots=True)
class AdapterContext:
    """What the composition root gives an adapter to build from."""

    clock: Clock
    registry: "CollectorRegistry"
    environ: Mapping[str, str]
    """The plug-in's variables that are set, by name without prefix; NAME_FILE and credentials are resolved.

    `environ[NAME]` of one that is not set raises ConfigurationError.
    """
    watched: Watched = unwatched
    """For every loop that the adapter's work depends on, while `run` runs."""


@dataclass(frozen=True, slots=True)
class CommandContext:
    """What the command line gives the commands that adapters bring: `click`'s context object (`obj`)."""

    read_settings: Callable[[Iterable[str]], Mapping[str, str]]
    """Returns those that are set, by name without prefix, wherever they come from; raises ConfigurationError."""


@dataclass(frozen=True, slots=True)
class AdapterPlugin:
    """What an entry point of group `harvester.adapters` names."""

    name: str
    build: Callable[[AdapterContext], Adapter]
    """Reads the adapter's own settings; raises ConfigurationError (one per mistake: an ExceptionGroup of them)."""
    variables: frozenset[str]
    """Names of the settings that the adapter reads, without prefix."""
    commands: "Sequence[click.Command]" = ()
    """CLI commands, mounted at the top level (a group named after the chain, for instance).

    Groups of one name are one group. So a plug-in brings a command of `dev` in a group `dev` that does nothing itself.
    """
    migrations_path: Path | None = None
    """Folder with the adapter's own migrations."""
    secrets: frozenset[str] = field(default_factory=frozenset)
    """Those of `variables` that must never be shown."""
    routes: "Callable[[Adapter, Desk], Sequence[web.RouteDef]] | None" = None
    """Routes that the API serves besides; they answer in a wire format of their own. See `harvester.chain.requests`."""
    openapi_path: Path | None = None
    """OpenAPI document that describes `routes`: its paths, components and tags are put into that of the API."""


def load_plugins() -> dict[str, AdapterPlugin]:
    """Return all installed adapters by name; an adapter whose extra is not installed is left out."""
    return installed_plugins(ENTRY_POINT_GROUP)


def choose_plugin(plugins: Mapping[str, AdapterPlugin], name: str) -> AdapterPlugin:
    """Return the plug-in called `name`.

    Raises:
        ConfigurationError: it is not installed; the message lists what is.
    """
    return choose_installed(plugins, name, "CHAINS", "adapter")
