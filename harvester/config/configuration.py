"""All that is configured, core and adapters together, or every mistake in it at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry

from harvester.chain import Adapter, AdapterContext, AdapterPlugin, Clock, choose_plugin
from harvester.config.forms import chain_names
from harvester.config.settings import DEFAULT_CHAINS, DaemonSettings, Settings
from harvester.config.variables import Variables
from harvester.domain.errors import ConfigurationError
from harvester.pulse import Pulses
from harvester.rate_source import RateSource, SourcePlugin, load_source

_Settings = TypeVar("_Settings", bound=Settings)
_Built = TypeVar("_Built")


@dataclass(frozen=True, slots=True)
class Configuration(Generic[_Settings]):
    """Settings that hold, and the adapters built from theirs."""

    settings: _Settings
    plugins: Sequence[AdapterPlugin]
    adapters: Sequence[Adapter]
    registry: CollectorRegistry
    """Where the adapters registered their metrics."""
    pulses: Pulses
    """Where the adapters' loops beat."""
    secrets: frozenset[str]
    """Texts that must never be shown."""
    rate_source: RateSource | None = None
    """What RATE_SOURCE names."""


def configure(
    model: type[_Settings], variables: Variables, installed: Mapping[str, AdapterPlugin], clock: Clock
) -> Configuration[_Settings]:
    """Read the settings of the core and build the configured adapters, for the daemon the source of rates too.

    Raises:
        ExceptionGroup: of ConfigurationError, one for each mistake in the core's and the plug-ins' settings.
    """
    mistakes: list[ConfigurationError] = []
    settings = None
    try:
        settings = model.load(variables)
        names: Sequence[str] = settings.chains
    except* ConfigurationError as group:
        mistakes += flatten(group)
        names = _names_despite_mistakes(variables)
    builder = _Builder(variables, clock, mistakes)
    plugins = builder.choose(names, installed)
    adapters = [adapter for plugin in plugins if (adapter := builder.build(plugin))]
    chosen = settings.rate_source if isinstance(settings, DaemonSettings) else None
    source = builder.build_source(chosen) if chosen else None
    if settings is None or mistakes:
        raise ExceptionGroup("configuration", mistakes)
    secrets = frozenset(settings.secrets() | builder.secrets)
    return Configuration(settings, plugins, adapters, builder.registry, builder.pulses, secrets, source)


def choose_plugins(settings: Settings, installed: Mapping[str, AdapterPlugin]) -> Sequence[AdapterPlugin]:
    """Return the plug-ins of the configured adapters, for what needs no adapter.

    Raises:
        ConfigurationError: one is not installed.
    """
    return [choose_plugin(installed, name) for name in settings.chains]


def flatten(error: BaseException) -> list[ConfigurationError]:
    """Return the mistakes in `error`, a mistake or any nesting of groups of them, in order."""
    if isinstance(error, BaseExceptionGroup):
        return [mistake for inner in error.exceptions for mistake in flatten(inner)]
    return [error] if isinstance(error, ConfigurationError) else []


class _Builder:
    """Builds adapters, and goes on after a mistake so that all are found."""

    def __init__(self, variables: Variables, clock: Clock, mistakes: list[ConfigurationError]) -> None:
        self.registry = CollectorRegistry()
        self.pulses = Pulses(self.registry, clock)
        self.secrets: set[str] = set()
        self._variables = variables
        self._clock = clock
        self._mistakes = mistakes

    def choose(self, names: Sequence[str], installed: Mapping[str, AdapterPlugin]) -> Sequence[AdapterPlugin]:
        chosen = []
        for name in names:
            try:
                chosen.append(choose_plugin(installed, name))
            except ConfigurationError as mistake:
                self._mistakes.append(mistake)
        return chosen

    def build(self, plugin: AdapterPlugin) -> Adapter | None:
        def build(environ: Mapping[str, str]) -> Adapter:
            return plugin.build(AdapterContext(self._clock, self.registry, environ, self.pulses.watched))

        return self._build(plugin, build)

    def build_source(self, name: str) -> RateSource | None:
        try:
            plugin = load_source(name)
        except ConfigurationError as mistake:
            self._mistakes.append(mistake)
            return None
        return self._build(plugin, plugin.build)

    def _build(
        self, plugin: AdapterPlugin | SourcePlugin, build: Callable[[Mapping[str, str]], _Built]
    ) -> _Built | None:
        given, unreadable = self._variables.collect(plugin.variables)
        self._mistakes += unreadable.values()
        environ = {name: setting.value for name, setting in given.items()}
        self.secrets |= {environ[name] for name in plugin.secrets & environ.keys()}
        built = None
        try:
            built = build(environ)
        except* ConfigurationError as group:
            # A setting whose file cannot be read has been told of; that it is missing is no second mistake.
            self._mistakes += [found for found in flatten(group) if str(found).partition(":")[0] not in unreadable]
        return built


def _names_despite_mistakes(variables: Variables) -> Sequence[str]:
    """Return the adapters whose settings are worth looking at although the core's are wrong."""
    try:
        given = variables.find("CHAINS")
    except ConfigurationError:
        return ()
    try:
        return chain_names(given.value) if given else DEFAULT_CHAINS
    except ValueError:
        return ()
