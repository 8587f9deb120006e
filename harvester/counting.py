"""Counts what the database holds, for the metrics: open invoices, and money that nobody has dealt with."""

import asyncio
from typing import Final, NoReturn

from harvester.chain import Pulse
from harvester.domain.errors import Unavailable
from harvester.domain.payment import PaymentClass
from harvester.metrics import UNSETTLING, Metrics
from harvester.storage import invoices
from harvester.storage.database import Connection, Database
from harvester.storage.open_payments import Walk, walk_on

COUNT_SECS: Final = 30.0


class Counts:
    """Keeps the gauges up to date. A round costs the same on a database of any size."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._metrics = metrics
        self._walks = dict.fromkeys(UNSETTLING, Walk())

    async def run(self, pulse: Pulse) -> NoReturn:
        """Count again and again until cancelled. A database that is away is waited for."""
        while True:
            pulse.beat()
            try:
                async with self._database.connection() as connection:
                    await self._count(connection, pulse)
            except Unavailable:
                pass  # `/readyz` tells of it
            else:
                pulse.success()
            await asyncio.sleep(COUNT_SECS)

    async def _count(self, connection: Connection, pulse: Pulse) -> None:
        for status, count in (await invoices.count_open(connection)).items():
            self._metrics.invoices.labels(status.value).set(count)
        for payment_class in UNSETTLING:
            pulse.beat()
            await self._walk(connection, payment_class)

    async def _walk(self, connection: Connection, payment_class: PaymentClass) -> None:
        walk = await walk_on(connection, payment_class, self._walks[payment_class])
        if walk.finished:
            self._metrics.payments_open.labels(payment_class.value).set(walk.open)
            self._metrics.payments_oldest_open.labels(payment_class.value).set(
                walk.oldest.timestamp() if walk.oldest else 0
            )
        self._walks[payment_class] = Walk() if walk.finished else walk
