"""One process of all that share a database scans a chain; the others stand by and take over when it ends or hangs.

The scanning process holds the lease `chain:<name>`, and every transaction of the ledger that it gives its adapter
checks that (decision 0011). A process that lost the lease while it slept finds out by that, whatever it believes.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from harvester.chain import UNHEARD, Adapter, Ledger, Pulse
from harvester.domain.errors import InvariantBroken, LeaseLost, Unavailable
from harvester.metrics import Metrics
from harvester.services.chains import Chains
from harvester.services.outage import Outage
from harvester.storage.database import Database
from harvester.storage.leases import Lease, LeaseSession, fence

DEFAULT_TERM: Final = timedelta(seconds=6)
_RENEWALS_PER_TERM: Final = 3
_LOOKS_PER_TERM: Final = 6
STANDING_BY: Final = "standing by: another process scans"
NOT_ITS_ROLE: Final = "not scanned by this process: it has other roles"

_log = structlog.get_logger(__name__)


class Leader:
    """Runs an adapter while no other process does."""

    def __init__(
        self,
        adapter: Adapter,
        make_ledger: Callable[[Database], Ledger],
        database: Database,
        chains: Chains,
        metrics: Metrics,
        term: timedelta = DEFAULT_TERM,
    ) -> None:
        """Build it; `make_ledger` makes the ledger of one term, which works on the database that it is given."""
        self._adapter = adapter
        self._make_ledger = make_ledger
        self._database = database
        self._chains = chains
        self._lease_name = f"chain:{adapter.name}"
        self._held = metrics.leases_held.labels(self._lease_name)
        self._session = LeaseSession(database.uri, term)
        self._renew_secs = term.total_seconds() / _RENEWALS_PER_TERM
        self._look_secs = term.total_seconds() / _LOOKS_PER_TERM
        self._outage = Outage(self._lease_name)
        self._pulse = UNHEARD

    async def run(self, stop: asyncio.Event, pulse: Pulse = UNHEARD) -> None:
        """Scan, or stand by, until `stop`; then let the adapter finish, and give the lease back.

        A database that is away is waited for. What the adapter raises is raised, but for LeaseLost. `pulse` is that of
        the lease, whoever holds it; the adapter's loops have their own.
        """
        self._pulse = pulse
        try:
            while not stop.is_set():
                wait_secs = await self._turn(stop)
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_secs):
                        await stop.wait()
        finally:
            self._session.close()

    async def _turn(self, stop: asyncio.Event) -> float:
        """Lead for a term if nobody else does; return after how many seconds to look again."""
        self._pulse.beat()
        try:
            lease = await self._session.acquire(self._lease_name)
        except Unavailable as error:
            return self._outage.retry_secs(error)
        self._outage.over()
        self._pulse.success()
        if lease is not None:
            await self._lead(lease, stop)
        self._chains.stand_by(self._adapter.name, STANDING_BY)
        return self._look_secs

    async def _lead(self, lease: Lease, stop: asyncio.Event) -> None:
        log = _log.bind(lease=lease.name, token=lease.token)
        log.info("this process scans the chain")
        self._chains.take_up(self._adapter.name)
        self._held.set(1)
        try:
            await self._scan(lease, stop)
        except* LeaseLost:
            log.warning("another process may scan the chain: this one stands by")
        finally:
            self._held.set(0)

    async def _scan(self, lease: Lease, stop: asyncio.Event) -> None:
        ledger = self._make_ledger(self._database.guarded(partial(fence, lease=lease)))
        async with asyncio.TaskGroup() as group:
            keeper = group.create_task(self._keep(lease), name=f"renew {lease.name}")
            await self._adapter.run(ledger, stop)
            if not stop.is_set():
                raise InvariantBroken(f"the adapter {self._adapter.name} has returned although nobody asked it to stop")
            keeper.cancel()

    async def _keep(self, lease: Lease) -> None:
        """Renew the lease until cancelled. While the database is away nobody takes it over, and nothing is written."""
        wait_secs = self._renew_secs
        while True:
            await asyncio.sleep(wait_secs)
            self._pulse.beat()
            try:
                renewed = await self._session.renew(lease)
            except Unavailable as error:
                wait_secs = min(self._renew_secs, self._outage.retry_secs(error))
                continue
            self._outage.over()
            self._pulse.success()
            if not renewed:
                raise LeaseLost(f"the lease {lease.name} was taken over")
            wait_secs = self._renew_secs
