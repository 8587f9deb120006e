"""An adapter before a local chain, and a ledger that writes down what it is given."""

import asyncio
import base64
import json
import os
import tempfile
import weakref
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from harvester.chain import Account, AdapterContext, Batch, Position
from harvester_ton.adapter import TonAdapter
from harvester_ton.devnet.accounts import raw_address
from harvester_ton.devnet.local import LocalTon
from harvester_ton.devnet.server import LiteServer
from harvester_ton.devnet.tvm import tvm_available
from harvester_ton.node import Patience
from harvester_ton.settings import TonSettings
from tests.contract.recording import RecordingLedger, running

PATIENCE_SECS = 30
needs_chain = [
    pytest.mark.chain,
    pytest.mark.skipif(not tvm_available(), reason="no TVM emulator for this platform (PyPI pytvm)"),
]


@dataclass
class Notebook(RecordingLedger):
    """Remembers watermarks too, and can hold the first batch back."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    held: int = 0
    """Batches that wait at the closed gate."""
    asked: int = 0
    """Questions for a position."""
    scanned: dict[Account, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.gate.set()

    async def position(self, account: Account) -> Position:
        """See `harvester.chain.Ledger`."""
        self.asked += 1
        return Position(self.cursors.get(account), self.scanned.get(account), self.open_since)

    async def record(self, batch: Batch) -> None:
        """See `harvester.chain.Ledger`."""
        self.held += 1
        await self.gate.wait()
        self.held -= 1
        await super().record(batch)
        if batch.scanned_until is not None:
            assert batch.scanned_until >= self.scanned.get(batch.account, batch.scanned_until)
            self.scanned[batch.account] = batch.scanned_until

    async def when(self, condition: Callable[["Notebook"], bool]) -> None:
        """Wait until `condition` holds."""
        async with asyncio.timeout(PATIENCE_SECS), self.news:
            await self.news.wait_for(lambda: condition(self))

    async def amounts(self, count: int) -> list[int]:
        """Wait for `count` transfers that are not ignored; return their amounts."""
        return [transfer.amount for transfer in await self.until(count)]

    def asset(self, asset: str) -> list[int]:
        """Return the amounts that came in `asset`."""
        return [transfer.amount for transfer in self.transfers if transfer.asset == asset and not transfer.ignored]


def server_entry(server: LiteServer) -> str:
    """Return a lite server as LITE_SERVERS has it."""
    return f"127.0.0.1:{server.port}:{base64.b64encode(server.public_key).decode()}"


def environ(ton: LocalTon, jettons: Sequence[str] = (), **more: str) -> dict[str, str]:
    """Return settings for `ton`, with these of its jettons."""
    listed = (ton.jetton(ticker) for ticker in jettons)
    given = {
        "RECIPIENT": raw_address(ton.wallet("merchant").address),
        "LITE_SERVERS": ",".join(map(server_entry, ton.servers)),
        "NETWORK_CONFIG": str(config_file(ton)),
        "JETTONS": ",".join(f"{each.ticker} {each.decimals} {raw_address(each.master)}" for each in listed),
    } | more
    return {name: value for name, value in given.items() if value}


def config_file(ton: LocalTon) -> Path:
    """Write the network config that trusts `ton` into a file that lives as long as the chain."""
    handle, name = tempfile.mkstemp(prefix="harvester-network-", suffix=".json")
    with os.fdopen(handle, "w") as file:
        json.dump(ton.network_config(), file)
    weakref.finalize(ton, os.unlink, name)
    return Path(name)


HASTE = Patience(connect=1, query=0.5, follow=1, follow_grace=0.2, aside=0.3, distrust=0.3, lag=0.5)
"""So that tests of faults take no minutes."""


def build(settings: dict[str, str], patience: Patience = HASTE) -> TonAdapter:
    """Return an adapter of its own registry."""
    context = AdapterContext(lambda: datetime.now(UTC), CollectorRegistry(), settings)
    return TonAdapter(TonSettings.load(settings), context, patience)


@asynccontextmanager
async def scanning(
    ton: LocalTon, ledger: Notebook, jettons: Sequence[str] = (), **more: str
) -> AsyncIterator[TonAdapter]:
    """Run an adapter before `ton` until the block ends."""
    adapter = build(environ(ton, jettons, **more))
    async with running(adapter, ledger):
        yield adapter


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds; for state that nothing announces."""
    async with asyncio.timeout(PATIENCE_SECS):
        while not condition():  # noqa: ASYNC110 # nothing announces it
            await asyncio.sleep(0.01)
