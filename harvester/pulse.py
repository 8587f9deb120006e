"""Whether the daemon's loops go round: the watchdog is fed by it, and `/metrics`, `/readyz` and the log tell of it.

A loop that waits for a database or a node that is away goes round all the same, because its waits are bounded. One that
is silent for longer than `PATIENCE_SECS` hangs. That is a defect, which only a restart helps.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog
from prometheus_client import CollectorRegistry, Gauge

from harvester.chain import Clock, Pulse

PATIENCE_SECS: Final = 120.0
"""No step between two beats takes so long: a database is given up after 30 s for a connection and 30 s for an answer,
a lite server after 10 s, and nobody waits for anything longer than a minute."""
_PLACES: Final = 6
"""So many lines of the program say where a loop waits; those above them are the daemon's own frame."""

_T = TypeVar("_T")
_log = structlog.get_logger(__name__)


class Pulses:
    """The loops of this process that must go round."""

    def __init__(
        self, registry: CollectorRegistry, clock: Clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._loops: list[_Loop] = []
        self._last_success = Gauge(
            "harvester_loop_last_success_timestamp_seconds",
            "When a loop last did its work, at first its start; absent while it does not run in this process",
            ["loop"],
            registry=registry,
        )

    @contextmanager
    def watched(self, name: str) -> Iterator[Pulse]:
        """Expect the loop called `name`, which runs in the present task, to beat inside the block.

        Several may have one name; their last success is that of all of them.
        """
        loop = _Loop(name, self._monotonic, self._succeeded)
        self._loops.append(loop)
        self._succeeded(name)
        try:
            yield loop
        finally:
            self._loops.remove(loop)
            if all(other.name != name for other in self._loops):
                self._last_success.remove(name)

    async def over(self, name: str, run: Callable[[Pulse], Awaitable[_T]]) -> _T:
        """Return what `run` returns, which is watched under `name` meanwhile."""
        with self.watched(name) as pulse:
            return await run(pulse)

    def hung(self) -> Sequence[str]:
        """Return the names of loops that hang; each is logged once, with the lines of the program where it waits."""
        late = [loop for loop in self._loops if loop.silent_secs() > PATIENCE_SECS]
        for loop in late:
            loop.tell()
        return [loop.name for loop in late]

    def _succeeded(self, name: str) -> None:
        self._last_success.labels(name).set(self._clock().timestamp())


class _Loop:
    """Implements `harvester.chain.Pulse`."""

    def __init__(self, name: str, now: Callable[[], float], succeeded: Callable[[str], None]) -> None:
        self.name = name
        self._now = now
        self._succeeded = succeeded
        self._task = asyncio.current_task()
        self._beaten_at = now()
        self._told = False

    def beat(self) -> None:
        """See `Pulse`."""
        self._beaten_at = self._now()
        self._task = asyncio.current_task()  # of several that work for one loop, the one that should beat next
        if self._told:
            self._told = False
            _log.warning("a loop that seemed to hang goes round again", loop=self.name)

    def success(self) -> None:
        """See `Pulse`."""
        self.beat()
        self._succeeded(self.name)

    def silent_secs(self) -> float:
        """How long ago the last beat was."""
        return self._now() - self._beaten_at

    def tell(self) -> None:
        """Log, once, that it hangs."""
        if not self._told:
            self._told = True
            places = list(_places(self._task))[-_PLACES:]
            _log.critical("a loop hangs, and so the watchdog is not fed: a defect", loop=self.name, waits_at=places)


def _places(task: asyncio.Task[Any] | None) -> Iterator[str]:
    """Yield the lines of the program at which a task waits, the innermost last."""
    awaited: Any = task.get_coro() if task else None
    while awaited is not None:
        if frame := getattr(awaited, "cr_frame", None):
            yield f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} {frame.f_code.co_qualname}"
        awaited = getattr(awaited, "cr_await", None)
