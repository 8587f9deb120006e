"""The daemon's tasks: each has a name, none is an orphan, a dead one ends the process, and all stop in two stages."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import structlog

from harvester.domain.errors import InvariantBroken

GRACE_SECS: Final = 25.0
"""How long a loop may take to finish its unit of work: under the 30 s that container runtimes and our unit give."""
ONE_SIGNAL_SECS: Final = 0.5
"""Signals closer together are one: a parent that dies sends its children the same one for each of its threads."""

_log = structlog.get_logger(__name__)


class Crew:
    """Starts tasks in a group."""

    def __init__(self, group: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        self._group = group
        self._stop = stop
        self._workers: list[asyncio.Task[None]] = []
        self._helpers: list[asyncio.Task[None]] = []

    def work(self, name: str, loop: Coroutine[Any, Any, object]) -> None:
        """Start a loop that returns soon after the stop event is set."""
        self._workers.append(self._group.create_task(self._guard(name, loop), name=name))

    def serve(self, name: str, loop: Coroutine[Any, Any, object]) -> None:
        """Start a loop that never returns; it is cancelled after all workers have finished."""
        self._helpers.append(self._group.create_task(self._guard(name, loop), name=name))

    async def finish(self, grace_secs: float) -> None:
        """Wait for the workers to finish, then cancel what is left."""
        late: set[asyncio.Task[None]] = set()
        if self._workers:
            _, late = await asyncio.wait(self._workers, timeout=grace_secs)
        if late:
            names = sorted(task.get_name() for task in late)
            _log.warning("tasks did not finish in time and are cancelled", tasks=names, grace_secs=grace_secs)
        for task in [*late, *self._helpers]:
            task.cancel()

    async def _guard(self, name: str, loop: Coroutine[Any, Any, object]) -> None:
        try:
            await loop
            if not self._stop.is_set():
                raise InvariantBroken(f"the task {name} has returned although nobody asked it to stop")
        except Exception:
            _log.critical("a task has died, which ends the daemon", task=name)
            raise


@asynccontextmanager
async def crew(stop: asyncio.Event, grace_secs: float = GRACE_SECS) -> AsyncIterator[Crew]:
    """Yield a crew; at the end of the block wait for `stop`, then let the crew finish.

    Raises:
        ExceptionGroup: of what killed tasks, or was raised in the block.
    """
    async with asyncio.TaskGroup() as group:
        members = Crew(group, stop)
        yield members
        await stop.wait()
        await members.finish(grace_secs)


async def unless_stopped(stop: asyncio.Event, work: Coroutine[Any, Any, object]) -> bool:
    """Await `work`, but cancel it when `stop` is set; say whether it was finished. What it raises is raised."""
    task = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        task.cancel()
        await asyncio.wait({task, stopping})
    if task.cancelled():
        return False
    task.result()
    return True


@contextmanager
def stop_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set `stop` at the first SIGTERM or SIGINT; end the process at once at a later one."""
    loop = asyncio.get_running_loop()
    heard_at = -ONE_SIGNAL_SECS

    def received(number: signal.Signals) -> None:
        nonlocal heard_at
        before, heard_at = heard_at, loop.time()
        if heard_at - before < ONE_SIGNAL_SECS:
            return
        if stop.is_set():
            _log.warning("stopped at once by a second signal", signal=number.name)
            os._exit(128 + number)
        _log.info("stopping", signal=number.name)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, received, number)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
