"""The daemon's tasks: two stages of stopping, and no death unnoticed."""

import asyncio
import os
import signal

import pytest

from harvester.domain.errors import InvariantBroken
from harvester.supervision import crew, stop_on_signals, unless_stopped


async def test_workers_finish_before_helpers_are_cancelled() -> None:
    stop, order = asyncio.Event(), []

    async def worker() -> None:
        await stop.wait()
        await asyncio.sleep(0)
        order.append("worker finished")

    async def helper() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            order.append("helper cancelled")

    async with crew(stop) as tasks:
        tasks.serve("helper", helper())
        tasks.work("worker", worker())
        stop.set()
    assert order == ["worker finished", "helper cancelled"]


async def test_a_worker_that_does_not_finish_in_time_is_cancelled() -> None:
    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(5), crew(stop, grace_secs=0.01) as tasks:
        tasks.work("hung", asyncio.Event().wait())


async def test_a_task_that_dies_ends_all_others() -> None:
    async def die() -> None:
        raise ZeroDivisionError

    async def live() -> None:
        async with asyncio.timeout(5), crew(asyncio.Event()) as tasks:
            tasks.serve("endless", asyncio.Event().wait())
            tasks.work("mortal", die())

    with pytest.raises(ExceptionGroup) as caught:
        await live()
    assert caught.group_contains(ZeroDivisionError)


async def test_a_task_that_returns_unasked_is_dead() -> None:
    async def leave() -> None:
        pass

    async def live() -> None:
        async with asyncio.timeout(5), crew(asyncio.Event()) as tasks:
            tasks.work("leaver", leave())

    with pytest.raises(ExceptionGroup) as caught:
        await live()
    assert caught.group_contains(InvariantBroken, match="leaver")


async def test_work_is_given_up_when_the_stop_comes_and_its_error_is_raised() -> None:
    stop = asyncio.Event()

    async def fail() -> None:
        raise ZeroDivisionError

    assert await unless_stopped(stop, asyncio.sleep(0))
    with pytest.raises(ZeroDivisionError):
        await unless_stopped(stop, fail())
    stop.set()
    assert not await unless_stopped(stop, asyncio.Event().wait())


async def test_a_signal_that_comes_for_each_thread_of_a_dead_parent_is_one_signal() -> None:
    stop = asyncio.Event()
    with stop_on_signals(stop):
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        handled = asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, handled.set)
        await handled.wait()
    assert stop.is_set()
