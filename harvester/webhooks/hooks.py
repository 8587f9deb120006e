"""Hands events to hooks, in this process, as the client hands them to endpoints: one attempt, and what came of it."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import orjson
import structlog

from harvester.chain import Clock
from harvester.chain.hooks import Hook, HookEvent, Later
from harvester.domain.webhooks import HOOK_SCHEME, Message, Target
from harvester.webhooks.client import DEFAULT_TIMEOUT_SECS, Answer
from harvester.webhooks.schedule import MAX_RETRY_AFTER_SECS

_TAKEN: Final = 200
_HEAD_CHARACTERS: Final = 1024

_log = structlog.get_logger(__name__)


class Client(Protocol):
    """Sends to endpoints that are somewhere else."""

    async def send(self, target: Target, message: Message) -> Answer:
        """Make one attempt."""
        ...


class HookSender:
    """Sends to the hooks of this process what is for them, and everything else through a client."""

    def __init__(
        self,
        client: Client,
        hooks: Mapping[str, Hook],
        clock: Clock,
        timeout_secs: float = DEFAULT_TIMEOUT_SECS,
        mask: Callable[[str], str] = str,
    ) -> None:
        """Build it; `mask` takes secrets out of what hooks say, which is kept and shown."""
        self._client = client
        self._hooks = hooks
        self._clock = clock
        self._timeout_secs = timeout_secs
        self._mask = mask

    async def send(self, target: Target, message: Message) -> Answer:
        """Make one attempt. Nothing that a hook or an endpoint does raises."""
        scheme, _, name = target.url.partition(":")
        if scheme != HOOK_SCHEME:
            return await self._client.send(target, message)
        attempted_at, started = self._clock(), time.monotonic()
        hook = self._hooks.get(name)
        if hook is None:
            return Answer(attempted_at, 0, error="this process does not have the hook (HOOKS)")
        failure = await self._try(hook, message)
        duration_ms = round((time.monotonic() - started) * 1000)
        if failure is None:
            return Answer(attempted_at, duration_ms, _TAKEN)
        if not isinstance(failure, Later | TimeoutError):
            _log.warning("a hook failed", hook=name, event_type=message.event_type, exc_info=failure)
        return Answer(
            attempted_at,
            duration_ms,
            error=self._describe(failure),
            retry_after_secs=_bounded(failure.retry_secs) if isinstance(failure, Later) else None,
            timed_out=isinstance(failure, TimeoutError),
        )

    async def _try(self, hook: Hook, message: Message) -> BaseException | None:
        """Hand `message` over; return what the hook raised. Only a cancellation of this task itself goes through."""
        try:
            async with asyncio.timeout(self._timeout_secs):
                await _handle(hook, message)
        except asyncio.CancelledError as error:
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            return error  # the hook's own: it has cancelled something and waited for it
        except (Exception, SystemExit) as error:  # noqa: BLE001  somebody else's code fails alone, and is tried again
            return error
        return None

    def _describe(self, failure: BaseException) -> str:
        try:
            text = str(failure)
        except Exception:  # noqa: BLE001  as above: its errors are its own, too
            text = ""
        if not isinstance(failure, Later):
            text = f"{type(failure).__name__}: {text}"
        if isinstance(failure, TimeoutError):
            text = "not done in time"
        storable = text.encode("utf-8", "replace").decode().replace("\0", "")
        return self._mask(storable)[:_HEAD_CHARACTERS].rstrip(": ") or "later"


async def _handle(hook: Hook, message: Message) -> None:
    if message.event_type in hook.event_types:  # what it wanted before it was upgraded is none of its
        await hook.handle(HookEvent(message.event_id, message.event_type, message.sequence, orjson.loads(message.body)))


def _bounded(secs: float | None) -> float | None:
    """Return what a hook asked for as what can be obeyed: from 0 to a day; None if it is no number."""
    if not isinstance(secs, int | float) or math.isnan(secs):
        return None
    return float(min(max(secs, 0), MAX_RETRY_AFTER_SECS))
