"""Who waits for a hint can be stopped at any moment, also at the one at which the hint comes."""

import asyncio

import pytest

from harvester.storage.signals import Hint

SOON_SECS = 10.0


@pytest.mark.parametrize("rounds", range(4), ids="{} rounds of the loop later".format)
async def test_a_stop_that_comes_with_a_hint_is_heard(rounds: int) -> None:
    """`asyncio.wait_for` of Python 3.11 forgets a cancellation that comes once what it waits for is done."""
    hint = Hint()

    async def loop() -> None:
        while True:
            await hint.wait(SOON_SECS)

    looping = asyncio.create_task(loop())
    await asyncio.sleep(0)
    hint.set()
    for _ in range(rounds):
        await asyncio.sleep(0)
    looping.cancel()
    async with asyncio.timeout(SOON_SECS / 2):
        await asyncio.wait([looping])
    assert looping.cancelled()
