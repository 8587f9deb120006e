"""The local chain as integrators have it: `harvester dev chain` as a process, driven over its HTTP control."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp

from tests.e2e.daemon import clean_environ
from tests.e2e.starter import start

BLOCK_SECONDS = 0.05


class Chain:
    """A running local chain."""

    def __init__(self, facts: dict[str, Any], session: aiohttp.ClientSession, config_path: Path) -> None:
        self.facts = facts
        """What the command printed: recipient, jettons, lite servers …"""
        self.config_path = config_path
        """Its network config."""
        self._session = session

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, *options: str) -> AsyncIterator[Self]:
        config_path = folder / "network.json"
        arguments = ("dev", "chain", "--json", "--block-seconds", str(BLOCK_SECONDS), "--config-file", str(config_path))
        reader = asyncio.StreamReader(limit=1 << 20)
        source, sink = os.pipe()
        with (folder / "chain.log").open("wb") as log, os.fdopen(sink, "wb") as printed:
            process = await start([*arguments, *options], clean_environ(), folder, printed, log)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(source, "rb"))
        try:
            facts = json.loads(await reader.readline())
            async with aiohttp.ClientSession(facts["control_url"]) as session:
                yield cls(facts, session, config_path)
        finally:
            transport.close()
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0, (folder / "chain.log").read_text()

    @property
    def recipient(self) -> str:
        """Raw address of the merchant's wallet."""
        return str(self.facts["recipient"]["address"])

    @property
    def settings(self) -> dict[str, str]:
        """The daemon's settings that belong to this chain."""
        jettons = ", ".join(f"{each['ticker']} {each['decimals']} {each['master']}" for each in self.facts["jettons"])
        return {"NETWORK_CONFIG": str(self.config_path), "RECIPIENT": self.recipient, "JETTONS": jettons}

    async def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """GET, or POST with a body; every answer but 200 is an error."""
        async with self._session.request("GET" if body is None else "POST", path, json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def pay(self, payment: dict[str, Any]) -> dict[str, Any]:
        """Make one payment and return once it is on the chain."""
        paid: dict[str, Any] = await self.ask("/pay", payment)
        return paid

    async def burst(self, payments: Sequence[dict[str, Any]], per_block: int) -> None:
        """Make many payments, so many in each block."""
        await self.ask("/burst", {"payments": list(payments), "per_block": per_block})

    async def now(self) -> int:
        """Unix seconds on the chain."""
        return int((await self.ask("/status"))["time"])

    async def advance(self, seconds: int) -> None:
        """Move the chain's time."""
        await self.ask("/advance", {"seconds": seconds})

    async def received(self) -> dict[str, int]:
        """What has truly come to the recipient, by asset as the ledger names it."""
        account = await self.ask(f"/account/{self.recipient}")
        return {asset: int(amount) for asset, amount in account["received"].items()}


def payment_of(invoice: dict[str, Any], amount: int | None = None, **details: Any) -> dict[str, Any]:
    """Return the control's payment that settles `invoice`, by its payload unless `text` is given."""
    jetton = invoice.get("jetton_info")
    reference = {} if "text" in details else {"payload": invoice["payload"]}
    return {
        "to": invoice["pay_to_address"],
        "asset": jetton["address"] if jetton else "ton",
        "amount": str(invoice["amount"] if amount is None else amount),
        **reference,
        **details,
    }
