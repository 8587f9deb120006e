"""Faults that can be brought about in seconds, and what the daemon shows in each."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from tests.conftest import new_database
from tests.deploy.recording import Recording
from tests.deploy.shop import AMOUNT, Shop, set_rate
from tests.e2e.backend import Delivery, accept
from tests.e2e.calm import metrics
from tests.e2e.chain import Chain
from tests.e2e.daemon import Daemon, free_port
from tests.e2e.eventually import eventually

STILL_SECS = 1.2
"""Enough to see that something stands still."""
AGEING_SECS = 5.0
"""Enough to see that something grows older, which is looked at every two seconds while all else is well."""
AHEAD_SECS = 600
"""How far the chain's clock is moved."""


@dataclass(frozen=True)
class Fault:
    """What a daemon showed in a fault, and the alarms that are to tell of it."""

    name: str
    alarms: tuple[str, ...]
    recording: Recording


async def record_faults(shop: Shop) -> list[Fault]:
    """Bring about one fault after the other."""
    world, recorded = shop.world, []
    await world.chain.pay({"to": world.chain.recipient, "asset": "ton", "amount": str(AMOUNT), "text": "for the book"})

    for bring_about, alarms in FAULTS.items():
        async with bring_about(shop) as daemon:
            secs = AGEING_SECS if bring_about is blocks_stop else STILL_SECS
            recorded.append(Fault(bring_about.__name__, alarms, await Recording.take(daemon, secs)))
    return recorded


async def _until(daemon: Daemon, series: str, condition: Callable[[float], bool]) -> None:
    async def holds() -> bool:
        return condition((await metrics(daemon)).get(series, 0.0))

    await eventually(holds, f"{series} is as it is to be")


async def _nodes_up(daemon: Daemon, count: int) -> None:
    async def up() -> bool:
        shown = await metrics(daemon)
        return sum(value for name, value in shown.items() if name.startswith("harvester_ton_node_up")) == count

    await eventually(up, f"{count} lite servers are up")


@asynccontextmanager
async def lite_servers_refuse(shop: Shop, server: int | str, left: int) -> AsyncIterator[Daemon]:
    """Let lite servers be away."""
    daemon, chain = shop.world.daemon, shop.world.chain
    await chain.ask("/faults", {"mode": "refuse", "server": server})
    await _nodes_up(daemon, left)
    yield daemon
    await chain.ask("/faults", {"mode": "none", "server": server})
    await daemon.until_readiness(lambda status, _body: status == 200)


@asynccontextmanager
async def all_nodes_down(shop: Shop) -> AsyncIterator[Daemon]:
    """No lite server answers."""
    async with lite_servers_refuse(shop, "all", 0) as daemon:
        await _until(daemon, "harvester_ready", lambda ready: ready == 0)
        yield daemon


@asynccontextmanager
async def one_node_down(shop: Shop) -> AsyncIterator[Daemon]:
    """One of two lite servers answers."""
    async with lite_servers_refuse(shop, 0, 1) as daemon:
        yield daemon


@asynccontextmanager
async def blocks_stop(shop: Shop) -> AsyncIterator[Daemon]:
    """The lite servers are well, and there are no blocks."""
    await shop.world.chain.ask("/blocks/stop", {})
    yield shop.world.daemon
    await shop.world.chain.ask("/blocks/resume", {})


@asynccontextmanager
async def database_away(shop: Shop) -> AsyncIterator[Daemon]:
    """The database cannot be reached."""
    daemon = shop.world.daemon
    await shop.way.cut()
    await _until(daemon, "harvester_ready", lambda ready: ready == 0)
    yield daemon
    await shop.way.restore()
    await daemon.until_readiness(lambda status, _body: status == 200)


async def _fail(_delivery: Delivery) -> int:
    return 500


async def _gone(_delivery: Delivery) -> int:
    return 410


@asynccontextmanager
async def backend_down(shop: Shop) -> AsyncIterator[Daemon]:
    """The backend answers 500."""
    daemon = shop.world.daemon
    shop.world.backend.answer = _fail
    await shop.world.shop.create("TON", AMOUNT)
    await _until(daemon, "harvester_webhook_oldest_pending_timestamp_seconds", lambda oldest: oldest > 0)
    yield daemon
    shop.world.backend.answer = accept


@asynccontextmanager
async def money_for_nobody(shop: Shop) -> AsyncIterator[Daemon]:
    """Somebody has paid, at the beginning of all this, without saying what for; it is counted twice a minute."""
    await _until(shop.world.daemon, 'harvester_payments_open{class="unmatched"}', lambda count: count > 0)
    yield shop.world.daemon


@asynccontextmanager
async def rate_expires(shop: Shop) -> AsyncIterator[Daemon]:
    """What a coin costs is known for a second only."""
    series = 'harvester_rate_valid_until_timestamp_seconds{currency="USD",ticker="TON"}'
    before = (await metrics(shop.world.daemon))[series]
    await set_rate(shop.world, "1s")
    await _until(shop.world.daemon, series, lambda until: until < before)
    yield shop.world.daemon


@asynccontextmanager
async def nobody_scans(shop: Shop) -> AsyncIterator[Daemon]:
    """The only process has other roles."""
    async with _another(shop, ROLE="api,deliver") as daemon:
        await daemon.start_ready()
        yield daemon


@asynccontextmanager
async def another_network(shop: Shop) -> AsyncIterator[Daemon]:
    """The lite servers know nothing of the block that proofs start from."""
    folder = shop.folder / "other"
    folder.mkdir()
    async with Chain.open(folder) as other, new_database(shop.way.uri) as uri:
        servers = ",".join(f"{each['host']}:{each['port']}:{each['key']}" for each in other.facts["lite_servers"])
        async with _another(shop, ROLE="watch", LITE_SERVERS=servers, POSTGRES_URI=uri) as daemon:
            await daemon.start()
            await daemon.until_readiness(lambda _status, body: "another network" in str(body["reasons"]))
            yield daemon


@asynccontextmanager
async def _another(shop: Shop, **settings: str) -> AsyncIterator[Daemon]:
    """Make another daemon with the same settings but these."""
    folder = shop.folder / settings["ROLE"]
    folder.mkdir()
    port = free_port()
    usual = {name: value for name, value in shop.world.daemon.settings.items() if name != "PORT"}
    daemon = Daemon(usual | {"METRICS": f"127.0.0.1:{port}"} | settings, folder)
    daemon.url = f"http://127.0.0.1:{port}"
    yield daemon
    await daemon.kill()


@asynccontextmanager
async def endpoint_gone(shop: Shop) -> AsyncIterator[Daemon]:
    """The backend wants no more events."""
    shop.world.backend.answer = _gone
    await shop.world.shop.create("TON", AMOUNT)
    await _until(shop.world.daemon, "harvester_webhook_endpoints_disabled", lambda count: count > 0)
    yield shop.world.daemon


@asynccontextmanager
async def clock_behind(shop: Shop) -> AsyncIterator[Daemon]:
    """The chain is ahead of the host's clock."""
    await shop.world.chain.advance(AHEAD_SECS)
    series = 'harvester_chain_head_age_seconds{chain="ton"}'
    await _until(shop.world.daemon, series, lambda age: age < -AHEAD_SECS / 2)
    yield shop.world.daemon


FAULTS: dict[Callable[[Shop], AbstractAsyncContextManager[Daemon]], tuple[str, ...]] = {
    all_nodes_down: ("HarvesterAllNodesDown", "HarvesterScanBehind", "HarvesterNotReady"),
    one_node_down: ("HarvesterFewNodes",),
    blocks_stop: ("HarvesterNoBlocks",),
    database_away: ("HarvesterDatabaseDown", "HarvesterLoopStale"),
    backend_down: ("HarvesterOutboxOld",),
    rate_expires: ("HarvesterRateExpired",),
    nobody_scans: ("HarvesterNobodyScans",),
    another_network: ("HarvesterChainContradicts",),
    money_for_nobody: ("HarvesterUnmatchedOld", "HarvesterMoneySettlesNothing"),
    endpoint_gone: ("HarvesterEndpointDisabled", "HarvesterDeliveriesGivenUp"),
    clock_behind: ("HarvesterClockBehind",),
}
"""In this order: the last ones stay."""
