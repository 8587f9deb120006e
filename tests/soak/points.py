"""Where the daemon is killed: each point lets something happen, and sees to it that the daemon dies of it."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

import aiohttp

from tests.e2e.backend import Backend, Delivery, accept
from tests.e2e.daemon import Daemon
from tests.soak.traps import Place, Trap, Traps

Act = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Stage:
    """What a point works with."""

    daemon: Daemon
    backend: Backend
    traps: Traps
    chance: random.Random
    pay: Act
    """Makes the round's payments."""
    pay_much: Act
    """Makes so many that catching up takes several batches."""
    create: Act
    """Creates one more invoice; may fail."""


class Point(Protocol):
    """A way to die."""

    @property
    def name(self) -> str: ...

    async def strike(self, stage: Stage) -> None:
        """Let the round's payments be made, and kill the daemon."""
        ...


class Fate(Enum):
    """What becomes of a statement whose client is killed while it runs."""

    LOST = "has never been"
    LEFT = "ends as it may"
    UNHEARD = "is done, and nobody heard"


async def kill(daemon: Daemon, trap: Trap, fate: Fate) -> None:
    """Kill the daemon while the trap holds a statement of it."""
    pids = await trap.caught()
    if fate is Fate.UNHEARD:
        daemon.pause()
        await trap.open()
        await trap.finished(pids)
    await daemon.kill()
    if fate is Fate.LOST:
        await trap.terminate(pids)


@dataclass(frozen=True)
class Booking:
    """While it books payments."""

    name: str
    place: Place
    fate: Fate

    async def strike(self, stage: Stage) -> None:
        async with stage.traps.set(self.place) as trap:
            await stage.pay()
            await kill(stage.daemon, trap, self.fate)


@dataclass(frozen=True)
class Creation:
    """While it creates an invoice."""

    name: str
    fate: Fate

    async def strike(self, stage: Stage) -> None:
        await stage.pay()
        async with stage.traps.set(Place.CREATION) as trap:
            creating = asyncio.create_task(_attempt(stage.create))
            await kill(stage.daemon, trap, self.fate)
            await creating


async def _attempt(act: Act) -> None:
    with suppress(aiohttp.ClientError):  # the daemon is dead
        await act()


class Posting:
    """While the backend has a webhook and has not answered."""

    name = "POST received, not answered"

    async def strike(self, stage: Stage) -> None:
        struck = asyncio.Event()

        async def die(_delivery: Delivery) -> int:
            if not struck.is_set():
                struck.set()
                await stage.daemon.kill()
            return 204

        stage.backend.answer = die
        try:
            await stage.pay()
            async with asyncio.timeout(30):
                await struck.wait()
            await stage.daemon.kill()
        finally:
            stage.backend.answer = accept


class CatchingUp:
    """While it reads what happened when it was down, in one of its batches."""

    name = "catch-up"

    async def strike(self, stage: Stage) -> None:
        await stage.daemon.kill()
        await stage.pay()
        await stage.pay_much()
        async with stage.traps.set(Place.PAYMENTS) as trap:
            await stage.daemon.start()
            for _ in range(stage.chance.randrange(2)):
                await trap.caught()
                await trap.open()
                await trap.close()
            await kill(stage.daemon, trap, stage.chance.choice(list(Fate)))


class Starting:
    """Soon after it was started."""

    name = "start"

    async def strike(self, stage: Stage) -> None:
        await stage.daemon.kill()
        await stage.pay()
        await stage.daemon.start()
        await asyncio.sleep(stage.chance.uniform(0.2, 2))  # the moment of death is what varies
        await stage.daemon.kill()


class AnyTime:
    """At any time after the payments."""

    name = "any time"

    async def strike(self, stage: Stage) -> None:
        await stage.pay()
        await asyncio.sleep(stage.chance.uniform(0, 1))  # the moment of death is what varies
        await stage.daemon.kill()


POINTS: Final[tuple[Point, ...]] = (
    Booking("received, not recorded", Place.CURSOR, Fate.LEFT),
    Booking("recording: payments written", Place.PAYMENTS, Fate.LEFT),
    Booking("recording: invoices written", Place.INVOICES, Fate.LEFT),
    Booking("recording: events written", Place.EVENTS, Fate.LOST),
    Booking("commit: begun and lost", Place.COMMIT, Fate.LOST),
    Booking("commit: begun and finished by the server", Place.COMMIT, Fate.LEFT),
    Booking("commit: done, not heard of", Place.COMMIT, Fate.UNHEARD),
    Booking("webhook claimed, not sent", Place.CLAIM, Fate.UNHEARD),
    Booking("webhook's claim lost", Place.CLAIM, Fate.LOST),
    Posting(),
    Booking("POST answered, outcome lost", Place.OUTCOME, Fate.LOST),
    Booking("POST answered, outcome stored, not heard of", Place.OUTCOME, Fate.UNHEARD),
    Creation("invoice created, nobody told", Fate.UNHEARD),
    Creation("invoice half created", Fate.LOST),
    CatchingUp(),
    Starting(),
    AnyTime(),
    AnyTime(),
)
"""All but the migration, which has a world of its own."""
