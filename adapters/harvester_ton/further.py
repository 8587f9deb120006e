"""Watching what the configuration does not name, because the ledger says that invoices are, or were, paid there."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Final

import structlog

from harvester.chain import UNHEARD, Destination, Ledger, Pulse
from harvester_ton.status import Insistence

ASK_SECS: Final = 60.0
LABEL: Final = "further"
"""What all of these accounts together are called where a ticker stands: they have none that is configured."""

Scan = Callable[[Destination], Coroutine[None, None, None]]
"""Scans what is paid to a destination until cancelled."""

_log = structlog.get_logger(__name__)


async def scan_further(chain: str, ledger: Ledger, scan: Scan, pulse: Pulse = UNHEARD) -> None:
    """Scan whatever the ledger wants watched besides, from when it first says so, until cancelled."""
    asking = Insistence("list of further addresses to watch")
    asking.pulse = pulse
    known: set[Destination] = set()
    async with asyncio.TaskGroup() as group:
        while True:
            for destination in await asking.insist(partial(ledger.further_destinations, chain)):
                if destination not in known:
                    known.add(destination)
                    _log.info(
                        "Watched although it is not configured: invoices are to be paid there, or were until recently",
                        address=destination.pay_to_address,
                        asset=destination.asset,
                    )
                    group.create_task(scan(destination), name="ton scan")
            pulse.success()
            await asyncio.sleep(ASK_SECS)
