"""What proofs cost: the same work with VERIFY=proofs and VERIFY=none, taking turns in one run."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from statistics import median
from typing import Final

import asyncpg

from benchmarks.chain import one_by_one, settle_in, shop, until_caught_up
from benchmarks.daemon import Daemon
from benchmarks.receiver import running_receiver
from benchmarks.report import Line
from harvester_ton.devnet.local import LocalTon, Payment

_MODES: Final = ("none", "proofs")
_ROUNDS: Final = 3
_BLOCK_SECS: Final = 0.02

Work = Callable[[str, str, LocalTon], Awaitable[list[float]]]
"""Given a database, a mode and a chain, measures."""


async def measure_proofs(uri: str, scale: float) -> list[Line]:
    """Detection, CPU of a daemon that only follows blocks, and catching up."""
    detection = await _take_turns(uri, "detect", lambda *at: _detection(*at, count=max(6, int(18 * scale))))
    cpu = await _take_turns(uri, "cpu", lambda *at: _cpu(*at, blocks=max(50, int(250 * scale))))
    catch_up = await _take_turns(uri, "catch_up", _catch_up, count=int(20_000 * scale))
    cost = (median(cpu["proofs"]) - median(cpu["none"])) * 1e3
    return [
        _ratio("proofs: block to webhook, of that without", detection, "lower", "median / median, s"),
        Line("proofs: CPU for a block and an account", cost, "ms", "lower", _both(cpu, 1e3, "ms")),
        _ratio("proofs: catch-up, of that without", catch_up, "higher", "transactions/s"),
    ]


def _ratio(name: str, found: dict[str, list[float]], better: str, note: str) -> Line:
    return Line(name, median(found["proofs"]) / median(found["none"]), "x", better, _both(found, 1, note))


def _both(found: dict[str, list[float]], factor: float, unit: str) -> str:
    with_proofs, without = (median(found[mode]) * factor for mode in ("proofs", "none"))
    return f"{with_proofs:.4g} with, {without:.4g} without ({unit})"


async def _take_turns(uri: str, name: str, work: Work, count: int = 0) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {mode: [] for mode in _MODES}
    async with LocalTon(jettons={}) as ton:
        if count:
            payments = [Payment(ton.wallet("merchant").address, 1_000 + number) for number in range(count)]
            await ton.burst(payments, per_block=500)
            await ton.produce_block()
        for number in range(_ROUNDS):
            for mode in _MODES:
                database = await _new_database(uri, f"{name}_{number}_{mode}")
                found[mode] += await work(database, mode, ton)
    return found


async def _detection(uri: str, mode: str, ton: LocalTon, *, count: int) -> list[float]:
    async with running_receiver() as receiver, shop(uri, ton, receiver, VERIFY=mode) as daemon:
        await settle_in(ton, receiver, daemon)
        return await one_by_one(ton, receiver, daemon, count)


async def _cpu(uri: str, mode: str, ton: LocalTon, *, blocks: int) -> list[float]:
    async with running_receiver() as receiver, shop(uri, ton, receiver, VERIFY=mode) as daemon:
        await settle_in(ton, receiver, daemon)
        before = daemon.cpu_secs()
        for _ in range(blocks):
            await ton.produce_block()
            await asyncio.sleep(_BLOCK_SECS)
        return [(daemon.cpu_secs() - before) / blocks]


async def _catch_up(uri: str, mode: str, ton: LocalTon) -> list[float]:
    async with _idle_shop(uri, ton, mode) as daemon:
        seconds, _ = await until_caught_up(daemon)
    return [len(ton.account(ton.wallet("merchant").address).by_lt) / seconds]


@asynccontextmanager
async def _idle_shop(uri: str, ton: LocalTon, mode: str) -> AsyncIterator[Daemon]:
    async with running_receiver() as receiver, shop(uri, ton, receiver, VERIFY=mode, START_LT="0") as daemon:
        yield daemon


async def _new_database(uri: str, name: str) -> str:
    base, _, query = uri.partition("?")
    admin = await asyncpg.connect(uri)
    try:
        await admin.execute(f"CREATE DATABASE proofs_{name}")
    finally:
        await admin.close()
    return f"{base.rsplit('/', 1)[0]}/proofs_{name}" + (f"?{query}" if query else "")
