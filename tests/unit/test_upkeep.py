"""What is tidied up by the minute."""

import asyncio
from typing import Any
from unittest.mock import create_autospec

from harvester.chain import Pulse
from harvester.domain.errors import Unavailable
from harvester.services.authentication import Authentication
from harvester.upkeep import Upkeep


class Counting:
    """Something to forget, in as many steps as are said."""

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.asked = 0

    async def __call__(self) -> bool:
        self.asked += 1
        self.left -= 1
        return self.left > 0


async def run(authentication: Authentication, *forget: Counting) -> Any:
    """Tidy up until told to stop, which is at once; return the pulse, a mock."""
    stop, pulse = asyncio.Event(), create_autospec(Pulse)
    stop.set()
    await Upkeep(authentication, *forget).run(stop, pulse)
    return pulse


async def test_what_is_known_is_written_before_the_end() -> None:
    authentication = create_autospec(Authentication, instance=True)
    pulse = await run(authentication)
    authentication.write_uses.assert_awaited_once()
    pulse.success.assert_called_once()


async def test_everything_is_forgotten_but_no_more_at_once_than_takes_a_while() -> None:
    few, many = Counting(3), Counting(10_000)
    await run(create_autospec(Authentication, instance=True), many, few)
    assert few.asked == 3
    assert many.asked == 100


async def test_a_database_that_is_away_is_no_reason_to_end() -> None:
    authentication = create_autospec(Authentication, instance=True)
    authentication.write_uses.side_effect = Unavailable("away")
    pulse = await run(authentication)
    pulse.success.assert_not_called()


async def test_it_goes_on_until_it_is_told_to_stop() -> None:
    stop, authentication = asyncio.Event(), create_autospec(Authentication, instance=True)
    written = asyncio.Event()
    authentication.write_uses.side_effect = written.set
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(Upkeep(authentication).run(stop, create_autospec(Pulse)))
        await written.wait()
        stop.set()
    assert authentication.write_uses.await_count == 2
