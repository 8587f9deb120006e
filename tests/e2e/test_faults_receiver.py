"""A webhook receiver that is down for a day: nothing is lost, it is tried seldom, and others do not notice."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from harvester.domain.events import EventType
from harvester.storage.database import Database
from tests.e2e.eventually import eventually
from tests.outbox import add_endpoint, rows
from tests.receiver import answer, receiving, reset
from tests.webhooks.rig import Rig, events_of, open_rig

STEP_SECS = 1800
STEPS = 48
MOST_TRIES = 7
"""Of one delivery in a day: at once, after 5 s, 5 min, 30 min, 2 h, 5 h and 10 h."""
_UNDONE = (
    "SELECT count(*) AS count FROM deliveries WHERE status = 'pending' AND (due_at <= $1 OR leased_until IS NOT NULL)"
)


@pytest.fixture
async def day(database: Database) -> AsyncIterator[Rig]:
    """A delivery whose one endpoint is behind a receiver that can be down."""
    async with open_rig(database) as opened:
        yield opened


async def quiet(rig: Rig) -> None:
    """Wait until all that is due has been tried."""

    async def nothing_due() -> bool:
        (row,) = await rows(rig.database, _UNDONE, rig.clock())
        return bool(row["count"] == 0)

    await eventually(nothing_due, "all that is due has been tried")


async def test_a_receiver_that_is_down_for_a_day_misses_nothing_and_holds_up_nobody(day: Rig) -> None:
    day.receiver.behaviour = reset()
    began = day.clock().timestamp()
    invoices: list[UUID] = []
    async with receiving() as well:
        await add_endpoint(day.database, "well", well.url)
        with capture_logs() as log:
            async with day.running():
                for step in range(STEPS):
                    invoices.append(await day.invoice())
                    await day.event(invoices[-1], 2, EventType.PAID)
                    await quiet(day)
                    assert len(well.received) == 2 * (step + 1)
                    day.pass_time(STEP_SECS)
                day.receiver.behaviour = answer(200)
                day.pass_time(STEP_SECS * STEPS)
                await eventually(lambda: all_delivered(day), "all is delivered")
    (tries,) = await rows(day.database, "SELECT max(attempts) AS most, sum(attempts) AS sum FROM deliveries")
    assert tries["most"] <= MOST_TRIES + 1
    assert len([line for line in log if line["log_level"] != "debug"]) <= 3
    assert began == pytest.approx(day.clock().timestamp() - 2 * STEP_SECS * STEPS)
    told = events_of(day.receiver)[-2 * STEPS :]
    assert sorted(told) == sorted((str(each), kind) for each in invoices for kind in ("created", "paid"))
    assert all(told.index((str(each), "created")) < told.index((str(each), "paid")) for each in invoices)


async def all_delivered(rig: Rig) -> bool:
    """Whether nothing is left to be told; time goes on so that what waits for another is looked at."""
    rig.pass_time(1)
    return set(await rig.statuses()) == {"delivered"}
