"""What the daemon tidies up by the minute: notes on the use of tokens, and what need not be kept any more."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from harvester.chain import Pulse
from harvester.domain.errors import Unavailable
from harvester.services.authentication import Authentication

UPKEEP_SECS: Final = 60.0
Forget = Callable[[], Awaitable[bool]]
"""Forgets some of what need not be kept, in bounded time; says whether there may be more of it."""
_STEPS: Final = 100
"""How many steps of forgetting in a row: what is left is for the next minute."""


class Upkeep:
    """Tidies up."""

    def __init__(self, authentication: Authentication, *forget: Forget) -> None:
        self._authentication = authentication
        self._forget = forget

    async def run(self, stop: asyncio.Event, pulse: Pulse) -> None:
        """Tidy up again and again until `stop` is set, and once more then. A database that is away is waited for."""
        while True:
            stopping = stop.is_set()
            pulse.beat()
            try:
                await self._tidy(pulse)
            except Unavailable:
                pass  # `/readyz` tells of it
            else:
                pulse.success()
            if stopping:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(UPKEEP_SECS):
                    await stop.wait()

    async def _tidy(self, pulse: Pulse) -> None:
        await self._authentication.write_uses()
        for forget in self._forget:
            for _ in range(_STEPS):
                pulse.beat()
                if not await forget():
                    break
