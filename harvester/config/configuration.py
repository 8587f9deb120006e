"""All that is configured, core and adapters together, or every mistake in it at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from prometheus_client import CollectorRegistry

from harvester.chain import Adapter, AdapterContext, AdapterPlugin, Clock, choose_plugin
from harvester.chain.hooks import Hook, HookPlugin, choose_hook
from harvester.config.forms import plugin_names
from harvester.config.settings import DEFAULT_CHAINS, DaemonSettings, Settings
from harvester.config.variables import Variables
from harvester.domain.errors import ConfigurationError
from harvester.domain.events import EventType
from harvester.pulse import Pulses
from harvester.rate_source import RateSource, load_source

_Settings = TypeVar("_Settings", bound=Settings)
_Plugin = TypeVar("_Plugin")
_Built = TypeVar("_Built")
_Built_co = TypeVar("_Built_co", covariant=True)


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
    hooks: Mapping[str, tuple[HookPlugin, Hook]]
    """By name."""
    rate_source: RateSource | None = None
    """What RATE_SOURCE names."""


def configure(
    model: type[_Settings],
    variables: Variables,
    installed: Mapping[str, AdapterPlugin],
    clock: Clock,
    installed_hooks: Mapping[str, HookPlugin] | None = None,
) -> Configuration[_Settings]:
    """Read the settings and build the configured adapters and hooks, for the daemon the source of rates too.

    `installed_hooks` None: no hooks.

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
    plugins = builder.choose(names, installed, choose_plugin)
    adapters = [adapter for plugin in plugins if (adapter := builder.build(plugin))]
    wanted = settings.hooks if settings and installed_hooks is not None else ()
    chosen = builder.choose(wanted, installed_hooks or {}, choose_hook)
    hooks = {plugin.name: (plugin, hook) for plugin in chosen if (hook := builder.build(plugin))}
    mistakes += [mistake for name, (_, hook) in hooks.items() if (mistake := _unheard(name, hook))]
    source_name = settings.rate_source if isinstance(settings, DaemonSettings) else None
    source = builder.build_source(source_name) if source_name else None
    if settings is None or mistakes:
        raise ExceptionGroup("configuration", mistakes)
    secrets = frozenset(settings.secrets() | builder.secrets)
    return Configuration(settings, plugins, adapters, builder.registry, builder.pulses, secrets, hooks, source)


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


class _Configurable(Protocol):
    """A plug-in of any group."""

    @property
    def variables(self) -> frozenset[str]: ...
    @property
    def secrets(self) -> frozenset[str]: ...


class _Buildable(_Configurable, Protocol[_Built_co]):
    """An adapter's or a hook's."""

    @property
    def build(self) -> Callable[[AdapterContext], _Built_co]: ...


class _Builder:
    """Builds adapters and hooks, and goes on after a mistake so that all are found."""

    def __init__(self, variables: Variables, clock: Clock, mistakes: list[ConfigurationError]) -> None:
        self.registry = CollectorRegistry()
        self.pulses = Pulses(self.registry, clock)
        self.secrets: set[str] = set()
        self._variables = variables
        self._clock = clock
        self._mistakes = mistakes

    def choose(
        self,
        names: Sequence[str],
        installed: Mapping[str, _Plugin],
        choose: Callable[[Mapping[str, _Plugin], str], _Plugin],
    ) -> Sequence[_Plugin]:
        chosen = []
        for name in names:
            try:
                chosen.append(choose(installed, name))
            except ConfigurationError as mistake:
                self._mistakes.append(mistake)
        return chosen

    def build(self, plugin: "_Buildable[_Built]") -> _Built | None:
        def build(environ: Mapping[str, str]) -> _Built:
            return plugin.build(AdapterContext(self._clock, self.registry, environ, self.pulses.watched))

        return self._build(plugin, build)

    def build_source(self, name: str) -> RateSource | None:
        try:
            plugin = load_source(name)
        except ConfigurationError as mistake:
            self._mistakes.append(mistake)
            return None
        return self._build(plugin, plugin.build)

    def _build(self, plugin: "_Configurable", build: Callable[[Mapping[str, str]], _Built]) -> _Built | None:
        given, unreadable = self._variables.collect(plugin.variables)
        self._mistakes += unreadable.values()
        environ = _Environ(plugin.variables, {name: setting.value for name, setting in given.items()})
        self.secrets |= {environ[name] for name in plugin.secrets & environ.keys()}
        built = None
        try:
            built = build(environ)
        except* ConfigurationError as group:
            # A setting whose file cannot be read has been told of; that it is missing is no second mistake.
            self._mistakes += [found for found in flatten(group) if str(found).partition(":")[0] not in unreadable]
        return built


class _Environ(dict[str, str]):
    """The settings of a plug-in. To ask for one that is not set is the operator's mistake, and not a KeyError."""

    def __init__(self, variables: frozenset[str], given: Mapping[str, str]) -> None:
        super().__init__(given)
        self._variables = variables

    def __missing__(self, name: str) -> str:
        if name in self._variables:
            raise ConfigurationError(f"{name}: is not set")
        raise KeyError(name)


def _unheard(name: str, hook: Hook) -> ConfigurationError | None:
    """Return what is wrong if the hook wants what never happens, or nothing; None: it is well."""
    known = [kind.value for kind in EventType]
    if hook.event_types and set(hook.event_types) <= set(known):
        return None
    return ConfigurationError(f"HOOKS: {name} must ask for one or more of the events {', '.join(known)}")


def _names_despite_mistakes(variables: Variables) -> Sequence[str]:
    """Return the adapters whose settings are worth looking at although the core's are wrong."""
    try:
        given = variables.find("CHAINS")
    except ConfigurationError:
        return ()
    try:
        return plugin_names(given.value) if given else DEFAULT_CHAINS
    except ValueError:
        return ()
