"""Hands events to hooks, in this process, as the client hands them to endpoints: one attempt, and what came of it."""

import asyncio
import time
from collections.abc import Mapping
from typing import Final, Protocol

import orjson
import structlog

from harvester.chain import Clock
from harvester.chain.hooks import Hook, HookEvent, Later
from harvester.domain.webhooks import HOOK_SCHEME, Message, Target
from harvester.webhooks.client import DEFAULT_TIMEOUT_SECS, Answer

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
    ) -> None:
        self._client = client
        self._hooks = hooks
        self._clock = clock
        self._timeout_secs = timeout_secs

    async def send(self, target: Target, message: Message) -> Answer:
        """Make one attempt. Nothing that a hook or an endpoint does raises."""
        scheme, _, name = target.url.partition(":")
        if scheme != HOOK_SCHEME:
            return await self._client.send(target, message)
        attempted_at, started = self._clock(), time.monotonic()
        hook = self._hooks.get(name)
        if hook is None:
            return Answer(attempted_at, 0, error="this process does not have the hook (HOOKS)")
        error, retry_secs, timed_out = None, None, False
        try:
            async with asyncio.timeout(self._timeout_secs):
                await _handle(hook, message)
        except TimeoutError:
            error, timed_out = "not done in time", True
        except Later as later:
            error, retry_secs = str(later), later.retry_secs
        except Exception as failure:  # noqa: BLE001  a hook is somebody else's code: it fails alone, and is tried again
            _log.warning("a hook failed", hook=name, event_type=message.event_type, exc_info=True)
            error = f"{type(failure).__name__}: {failure}"
        return Answer(
            attempted_at,
            round((time.monotonic() - started) * 1000),
            None if error is not None else _TAKEN,
            error=error and error[:_HEAD_CHARACTERS],
            retry_after_secs=retry_secs,
            timed_out=timed_out,
        )


async def _handle(hook: Hook, message: Message) -> None:
    if message.event_type in hook.event_types:  # a test, or what it wanted before it was upgraded, is none of its
        await hook.handle(HookEvent(message.event_id, message.event_type, message.sequence, orjson.loads(message.body)))
