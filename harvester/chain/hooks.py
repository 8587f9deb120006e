"""Hooks: plug-ins that do something of their own about an event, as an endpoint does that is told by webhook.

A hook is found by entry point (group `harvester.hooks`) and chosen with HOOKS. It rides on the outbox: its deliveries
are leased, retried by the schedule of webhooks, given up, listed and sent again like those of any endpoint, and no hook
waits for another. Each event comes at least once, those of one invoice in order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable
from uuid import UUID

from harvester.chain.adapter import Finding
from harvester.chain.desk import Desk
from harvester.chain.installed import choose_installed, installed_plugins
from harvester.chain.plugin import AdapterContext

if TYPE_CHECKING:
    import click
    from aiohttp import web

ENTRY_POINT_GROUP: Final = "harvester.hooks"


@dataclass(frozen=True, slots=True)
class HookEvent:
    """An event, as endpoints get it."""

    id: UUID
    """The same each time that it comes: the key to do a thing once by."""
    type: str
    sequence: int | None
    """Number of the event among its invoice's; None if it is not about an invoice's state."""
    body: Mapping[str, object] = field(repr=False)
    """The JSON object that a webhook would carry."""


class Later(Exception):
    """The hook could not do it now.

    `retry_secs`: how long at least to wait before it is tried again, at most a day; the schedule may say longer. The
    hook's other events wait as long, too, but no more than a minute. None leaves it to the schedule.
    """

    def __init__(self, message: str, retry_secs: float | None = None) -> None:
        super().__init__(message)
        self.retry_secs = retry_secs


class Hook(Protocol):
    """Handles events."""

    @property
    def event_types(self) -> Sequence[str]:
        """What it wants to hear of, at least one."""
        ...

    async def handle(self, event: HookEvent) -> None:
        """Do it. Must be idempotent: after a crash, or an answer that was lost, the same event comes again.

        What it raises, Later included, is a failed attempt, whose text is kept (its start, the plug-ins' secrets
        masked) and shown to the operator. It is cancelled after the time that webhooks have, and must let itself be;
        it must not block the event loop (`asyncio.to_thread` is for what does).
        """
        ...


@runtime_checkable
class CheckingHook(Protocol):
    """What a hook implements besides `Hook` if its settings can be tried."""

    async def check(self) -> Sequence[Finding]:
        """Try them on the real thing, without any effect, and say what is right and wrong; bounded to about 30 s."""
        ...


@dataclass(frozen=True, slots=True)
class HookPlugin:
    """What an entry point of group `harvester.hooks` names."""

    name: str
    build: Callable[[AdapterContext], Hook]
    """Reads the hook's own settings; raises ConfigurationError (one per mistake: an ExceptionGroup of them)."""
    variables: frozenset[str] = frozenset()
    """Names of the settings that it reads, without prefix."""
    secrets: frozenset[str] = frozenset()
    routes: "Callable[[Hook, Desk], Sequence[web.RouteDef]] | None" = None
    """Routes that the API serves besides; they answer in a wire format of their own. See `harvester.chain.requests`."""
    commands: "Sequence[click.Command]" = ()
    openapi_path: Path | None = None
    """OpenAPI document that describes `routes`: its paths, components and tags are put into that of the API."""


def load_hooks() -> dict[str, HookPlugin]:
    """Return all installed hooks by name; one whose extra is not installed is left out."""
    return installed_plugins(ENTRY_POINT_GROUP)


def choose_hook(installed: Mapping[str, HookPlugin], name: str) -> HookPlugin:
    """Return the hook called `name`.

    Raises:
        ConfigurationError: it is not installed; the message lists what is.
    """
    return choose_installed(installed, name, "HOOKS", "hook")
