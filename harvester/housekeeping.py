"""Looks after the daemon: is the database there and right, how far are the chains, and who must be told."""

import asyncio
import math
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, NoReturn

import structlog

from harvester.chain import Clock, Health, Pulse
from harvester.domain.errors import ConfigurationError, Unavailable
from harvester.metrics import Metrics
from harvester.notify import Notifier
from harvester.pulse import Pulses
from harvester.services.chains import Chains

_LOOK_SECS: Final = 2.0
_LOOK_AGAIN_SECS: Final = 0.25
"""While something is missing: whoever waits for the daemon should hear soon that it is ready."""
_PATIENCE_SECS: Final = 5.0
_START_EXTENSION_SECS: Final = 60.0
_HOPELESS_LOOKS: Final = 40
"""Ten seconds of looks: a process that was stopped, and goes on, is silent for a moment, too."""
_QUIET_SECS: Final = 60.0
_CLOCK_SLACK_SECS: Final = 60.0
_CLOCK_QUIET_SECS: Final = 3600.0

_log = structlog.get_logger(__name__)

Watcher = Callable[[Mapping[str, Health]], None]
"""Is shown the chains' health every few seconds; a progress bar, for instance."""


class Watch:
    """Knows what `/readyz` answers, and keeps the service manager informed."""

    def __init__(
        self,
        missing: Callable[[], Awaitable[Sequence[str]]],
        chains: Chains,
        clock: Clock,
        pulses: Pulses,
        notifier: Notifier,
        stop: asyncio.Event,
        metrics: Metrics,
        watcher: Watcher | None = None,
    ) -> None:
        """Build it; `missing` returns what the database lacks, or raises ConfigurationError or Unavailable."""
        self._missing = missing
        self._chains = chains
        self._clock = clock
        self._pulses = pulses
        self._notifier = notifier
        self._stop = stop
        self._metrics = metrics
        self._watcher = watcher
        self._loops: dict[str, Callable[[], str | None]] = {}
        self._reasons: Sequence[str] = ["the database has not answered yet"]
        self._was_ready = False
        self._hung_looks = 0
        self._told_ready = False
        self._told_clock_at = -_CLOCK_QUIET_SECS
        self._told_at = -_QUIET_SECS

    def heed(self, loop: str, trouble: Callable[[], str | None]) -> None:
        """Count a loop's `trouble` among what keeps the daemon from being ready; None: it does well."""
        self._loops[loop] = trouble

    async def readiness(self) -> Sequence[str]:
        """Return why the daemon is not ready, apart from its chains: from memory, at most seconds old."""
        return ["the daemon is stopping"] if self._stop.is_set() else self._reasons

    async def run(self, pulse: Pulse) -> NoReturn:
        """Look around every few seconds until cancelled."""
        longest_secs = min(_LOOK_SECS, (self._notifier.watchdog_secs or _LOOK_SECS) / 3)
        while not self._stop.is_set():
            hung = self._pulses.hung()
            self._end_if_hopeless(hung)
            self._reasons = [
                *(f"the loop {loop} hangs: a defect, see the log" for loop in hung),
                *(await self._look_at_database() or self._look_at_loops()),
            ]
            pulse.success()
            ready = self._report(getting_on=not hung)
            with suppress(TimeoutError):
                async with asyncio.timeout(longest_secs if ready else _LOOK_AGAIN_SECS):
                    await self._stop.wait()
        self._notifier.stopping()
        while True:
            self._notifier.watchdog()
            await asyncio.sleep(longest_secs)

    def _end_if_hopeless(self, hung: Sequence[str]) -> None:
        """Do what a service manager's watchdog would do, if there is none, as in a container."""
        self._hung_looks = self._hung_looks + 1 if hung else 0
        if self._hung_looks > _HOPELESS_LOOKS and self._notifier.watchdog_secs is None:
            _log.critical("ended because a loop hangs, and nobody else will end it", loops=hung)
            os.abort()

    async def _look_at_database(self) -> Sequence[str]:
        answers = False
        try:
            async with asyncio.timeout(_PATIENCE_SECS):
                missing = await self._missing()
            answers = True
        except ConfigurationError as error:
            answers = True
            return [str(error)]
        except Unavailable as error:
            return [str(error)]
        except TimeoutError:
            return [f"the database did not answer within {_PATIENCE_SECS:.0f} s"]
        finally:
            self._metrics.database_up.set(answers)
        return [f"the database lacks {', '.join(missing)}"] if missing else []

    def _look_at_loops(self) -> Sequence[str]:
        return [f"{loop}: {reason}" for loop, trouble in self._loops.items() if (reason := trouble()) is not None]

    def _report(self, *, getting_on: bool) -> bool:
        """Tell all who want to know, and return whether the daemon is ready. `getting_on`: no loop hangs."""
        health = self._chains.health()
        if self._watcher:
            self._watcher(health)
        reasons = [*self._reasons, *(line for name, state in health.items() for line in chain_reasons(name, state))]
        self._notifier.status("; ".join(reasons or ["ready", *_lags(health)]))
        self._metrics.ready.set(not reasons)
        self._compare_clocks(health)
        if not reasons and not self._was_ready:
            self._was_ready = True
            self._notifier.ready()
        if getting_on:
            self._notifier.watchdog()
        if getting_on and not self._was_ready:
            # A long first catch-up, or nodes that are away: as long as all loops go round, the start has not hung.
            self._notifier.extend_timeout(_START_EXTENSION_SECS)
        self._tell(reasons)
        return not reasons

    def _compare_clocks(self, health: Mapping[str, Health]) -> None:
        now, behind = self._clock(), []
        for name, state in health.items():
            age_secs = (now - state.head_time).total_seconds() if state.head_time else math.nan
            self._metrics.head_age.labels(name).set(age_secs)
            self._metrics.head_time.labels(name).set(state.head_time.timestamp() if state.head_time else math.nan)
            scanned = state.scanned_until
            self._metrics.scanned_time.labels(name).set(scanned.timestamp() if scanned else math.nan)
            behind += [name] if age_secs < -_CLOCK_SLACK_SECS else []
        if behind and time.monotonic() - self._told_clock_at >= _CLOCK_QUIET_SECS:
            self._told_clock_at = time.monotonic()
            _log.warning("the clock of this host is behind the chain: new invoices end too early", chains=behind)

    def _tell(self, reasons: Sequence[str]) -> None:
        """Log that the daemon has become ready, or is so no more: the latter at most once a minute."""
        if not reasons and not self._told_ready:
            self._told_ready = True
            _log.info("ready")
        elif reasons and self._told_ready and time.monotonic() - self._told_at >= _QUIET_SECS:
            self._told_ready, self._told_at = False, time.monotonic()
            _log.warning("not ready any more", reasons=reasons)


def chain_reasons(name: str, health: Health) -> Sequence[str]:
    """Return what keeps a chain from being ready."""
    if health.ready:
        return []
    return [f"{name}: {reason}" for reason in health.reasons or _lags({name: health}) or ("not scanned yet",)]


def _lags(health: Mapping[str, Health]) -> Sequence[str]:
    return [
        f"{name} {max(0, int((state.head_time - state.scanned_until).total_seconds()))} s behind"
        for name, state in health.items()
        if state.head_time and state.scanned_until
    ]
