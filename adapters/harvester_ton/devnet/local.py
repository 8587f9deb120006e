"""LocalTon: the whole local chain in one object, for tests, demos and `harvester dev`."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

from nacl.signing import SigningKey

from harvester_ton.devnet.accounts import Account, Address, raw_address
from harvester_ton.devnet.addresses import parse_address
from harvester_ton.devnet.blocks import BASECHAIN
from harvester_ton.devnet.chain import Chain
from harvester_ton.devnet.delivery import Trace
from harvester_ton.devnet.faults import FaultMode
from harvester_ton.devnet.heads import Heads
from harvester_ton.devnet.heights import Height
from harvester_ton.devnet.jettons import Jetton
from harvester_ton.devnet.network import network_config
from harvester_ton.devnet.payments import Paid, Payment, comment
from harvester_ton.devnet.ports import LOOPBACK
from harvester_ton.devnet.server import LiteServer
from harvester_ton.devnet.signatures import SignatureForm
from harvester_ton.devnet.ticker import Ticker
from harvester_ton.devnet.tvm import default_config
from harvester_ton.devnet.wallets import Send, Wallet

__all__ = ["DEFAULT_SEED", "NANO", "LocalTon", "Paid", "Payment", "comment"]

NANO = 10**9
DEFAULT_SEED = b"harvester local TON"
_RICH_NANO = 10_000_000 * NANO
_PRESET_WALLETS = {
    "buyer": "v4R2",
    "buyer2": "v5R1",
    "buyer3": "v3R2",
    "exchange": "highload_v2",
    "admin": "v4R2",
}
_PRESET_JETTONS = {"USDX": 6, "EURX": 9}
_BUYER_JETTONS = 1_000_000_000


class LocalTon:
    """A running local chain: `async with LocalTon(...) as ton`.

    `block_seconds` None is the manual mode: blocks are made only by `produce_block` and by the calls that say so.
    `clock` gives Unix seconds; the chain starts at its value. `ports`: one per lite server, 0 or none = a free one.
    `host`: the IPv4 address that the lite servers listen on and are known by.
    `signatures` is the form validators sign in, "ordinary" or "simplex".
    Raises `TvmUnavailable` on entering where no emulator exists.
    """

    def __init__(  # noqa: PLR0913 - each by name, and most left as it is
        self,
        *,
        block_seconds: float | None = None,
        lite_servers: int = 1,
        ports: Sequence[int] = (),
        host: str = LOOPBACK,
        clock: Callable[[], float] = time.time,
        seed: bytes = DEFAULT_SEED,
        jettons: dict[str, int] | None = None,
        validators: int = 4,
        signatures: SignatureForm | str = SignatureForm.ORDINARY,
    ) -> None:
        if lite_servers < 1:
            raise ValueError("at least one lite server is needed")
        self.block_seconds = block_seconds
        self.heads = Heads()
        self.servers: list[LiteServer] = []
        self.wallets: dict[str, Wallet] = {}
        self.jettons: list[Jetton] = []
        self._host = host
        self._ports = [*ports, *[0] * lite_servers][:lite_servers]
        self._clock, self._seed, self._validators = clock, seed, validators
        self._signatures = SignatureForm(signatures)
        self._preset_jettons = _PRESET_JETTONS if jettons is None else jettons
        self._query_id = 0

    async def __aenter__(self) -> Self:
        for name, version in {**_PRESET_WALLETS, "merchant": "v4R2"}.items():
            self.wallets[name] = Wallet(name, version, self._key(f"wallet {name}"))
        rich = {self.wallets[name].address[1]: _RICH_NANO for name in _PRESET_WALLETS}
        self.chain = Chain(
            default_config(),
            clock=self._clock,
            seed=self._seed,
            balances=rich,
            validators=self._validators,
            signatures=self._signatures,
        )
        self.ticker = Ticker(self.chain, self.heads, self.block_seconds)
        self.chain.produce()
        for ticker, decimals in self._preset_jettons.items():
            self._deploy_jetton(Jetton(ticker, decimals, self.wallets["admin"].address))
        for index, port in enumerate(self._ports):
            key = self._key(f"lite server {index}")
            self.servers.append(LiteServer(self.chain, self.heads, key, port, self._host))
        try:
            for server in self.servers:
                await server.open()
        except OSError:
            await self._close()
            raise
        self.start_blocks()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def _close(self) -> None:
        try:
            await self.ticker.stop()
        finally:
            for server in self.servers:
                await server.close()
            self.chain.close()

    def _key(self, purpose: str) -> SigningKey:
        return SigningKey(hashlib.sha256(self._seed + purpose.encode()).digest())

    # blocks and time

    def start_blocks(self) -> None:
        """Makes blocks on their own again; nothing happens in manual mode or when they already come."""
        self.ticker.start()

    async def stop_blocks(self) -> None:
        """Stops making blocks on their own; may be repeated."""
        await self.ticker.stop()

    @property
    def blocks_running(self) -> bool:
        """Whether blocks come on their own at the moment."""
        return self.ticker.running

    async def produce_block(self, count: int = 1) -> Height:
        """Makes `count` blocks now and gives the last; lets others run in between."""
        if count < 1:
            raise ValueError(f"count must be at least 1, not {count}")
        for _ in range(count):
            height = self.ticker.produce()
            await asyncio.sleep(0)
        return height

    def rotate_validators(self) -> None:
        """The next block is a key block with a new validator set, in force after it."""
        self.chain.rotate_validators()

    @property
    def seqno(self) -> int:
        """The newest masterchain seqno."""
        return self.chain.head.master.id.seqno

    def now(self) -> float:
        """The chain's time in Unix seconds."""
        return self.chain.now()

    def advance(self, seconds: float) -> None:
        """Moves the chain's clock forward; the next block shows it."""
        self.chain.advance(seconds)

    # payments

    async def pay(self, to: Address | str, amount: int, asset: str = "ton", *, count: int = 1, **details: Any) -> Paid:
        """Makes the payment `count` times and waits until it is on the chain (manual mode: makes that block).

        `details` are the other fields of `Payment`. While blocks are stopped the payment only waits in the queue.
        """
        if not 1 <= count <= 100_000:
            raise ValueError(f"count must be 1 to 100000, not {count}")
        return await self.burst([Payment(to, amount, asset, **details)] * count)

    async def burst(self, payments: Sequence[Payment], *, per_block: int | None = None) -> Paid:
        """Makes all payments in one block, or `per_block` of them in each of as many blocks as it takes."""
        if per_block is None:
            return await self._settle(self.submit(payments))
        traces: list[Trace] = []
        for at in range(0, len(payments), max(1, per_block)):
            traces += self.submit(payments[at : at + max(1, per_block)])
            await self.produce_block()
        return await self._settle(traces)

    def submit(self, payments: Iterable[Payment]) -> list[Trace]:
        """Queues payments for the next block without waiting: signed here, one external message per wallet and lot."""
        lots: dict[str, list[Send]] = {}
        for payment in payments:
            lots.setdefault(payment.sender, []).append(self._send(payment))
        messages = [message for name, sends in lots.items() for message in self.wallet(name).messages(sends)]
        return [self.chain.submit(message) for message in messages]

    async def _settle(self, traces: Sequence[Trace]) -> Paid:
        while not all(trace.settled for trace in traces):
            if self.ticker.running:
                await self.ticker.next()
            elif self.block_seconds is None:
                await self.produce_block()
            else:
                return Paid(tuple(traces), None)
        refused = [trace.refused for trace in traces if trace.refused and not trace.transactions]
        if refused:
            raise ValueError(f"the wallet refused: {refused[0]}")
        return Paid(tuple(traces), self.seqno)

    def _send(self, payment: Payment) -> Send:
        to, sender = parse_address(payment.to), self.wallet(payment.sender)
        if to[0] != BASECHAIN:
            raise ValueError(f"the local chain has accounts in workchain 0 only, not in {to[0]}")
        if payment.asset == "ton":
            return Send(to, payment.amount, payment.body(), payment.bounce)
        self._query_id += 1
        return self.jetton(payment.asset).transfer(
            sender.address,
            to,
            payment.amount,
            forward_nano=payment.forward_amount_nano,
            payload=payment.body(),
            query_id=self._query_id,
        )

    def wallet(self, name: str) -> Wallet:
        """A wallet by name. Raises `ValueError` with the names there are."""
        if name not in self.wallets:
            raise ValueError(f"no wallet {name!r}; there are {', '.join(self.wallets)}")
        return self.wallets[name]

    def jetton(self, name: str) -> Jetton:
        """A jetton by ticker (the first that took it) or by raw master address."""
        for jetton in self.jettons:
            if name in (jetton.ticker, raw_address(jetton.master)):
                return jetton
        raise ValueError(f"no asset {name!r}; there are ton, {', '.join(j.ticker for j in self.jettons)}")

    # contracts

    async def add_jetton(self, ticker: str, decimals: int, name: str = "") -> Jetton:
        """Deploys another jetton and gives the buyers some; a ticker may be taken twice (a counterfeit)."""
        taken = {jetton.master for jetton in self.jettons}
        jetton = Jetton(ticker, decimals, self.wallets["admin"].address, name)
        while jetton.master in taken:
            name = f"{name or ticker} "
            jetton = Jetton(ticker, decimals, self.wallets["admin"].address, name)
        await self._settle(self._deployment(jetton))
        return jetton

    def _deploy_jetton(self, jetton: Jetton) -> None:
        self._deployment(jetton)
        while self.chain.waiting:
            self.chain.produce()

    def _deployment(self, jetton: Jetton) -> list[Trace]:
        amount = _BUYER_JETTONS * 10**jetton.decimals
        mints = [jetton.mint(self.wallets[name].address, amount) for name in _PRESET_WALLETS if name != "admin"]
        self.jettons.append(jetton)
        return [self.chain.submit(m) for m in self.wallets["admin"].messages([jetton.deploy(), *mints])]

    async def deploy_wallet(self, name: str = "merchant") -> Wallet:
        """Puts a wallet's code on the chain: coins to it, then its first own message."""
        wallet = self.wallet(name)
        if wallet.seqno == 0:
            await self.pay(wallet.address, NANO // 10)
            await self._settle([self.chain.submit(wallet.message([Send(self.wallets["buyer"].address, 1)]))])
        return wallet

    def account(self, address: Address | str) -> Account:
        """The account as it is now; an empty one where nothing ever arrived."""
        parsed = parse_address(address)
        return self.chain.account(parsed) or Account(parsed)

    def jetton_balance(self, jetton: Jetton, owner: Address | str) -> int:
        """Base units in the owner's jetton wallet, as the contract stores them."""
        contract = self.account(jetton.wallet_of(parse_address(owner))).code_and_data
        return contract[1].reader().coins() if contract else 0

    # the network as others see it

    async def set_faults(self, mode: FaultMode | str, *, server: int | None = None, lag_blocks: int = 0) -> None:
        """Gives one lite server, or all, this fault ("none" heals)."""
        if server is not None and not 0 <= server < len(self.servers):
            raise ValueError(f"server must be 0 to {len(self.servers) - 1}, not {server}")
        chosen = self.servers if server is None else [self.servers[server]]
        for each in chosen:
            await each.set_fault(FaultMode.parse(mode), lag_blocks)

    def network_config(self) -> dict[str, Any]:
        """A TON global config: the lite servers, the zero state and the init block to trust."""
        return network_config(self.servers, self.chain)
