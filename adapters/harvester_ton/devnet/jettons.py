"""TEP-74 jettons: the standard minter and wallet out of tonutils, and the messages that drive them."""

from __future__ import annotations

import hashlib
import importlib
from dataclasses import dataclass, field

from harvester_ton.devnet.accounts import Address
from harvester_ton.devnet.boc import read_root
from harvester_ton.devnet.cells import Builder, Cell
from harvester_ton.devnet.hashmap_aug import HashMap
from harvester_ton.devnet.wallets import Send, address_of, state_init

_ATTACHED_NANO = 100_000_000  # pays for the recipient's wallet, what is left comes back as excesses
_MINT, _TRANSFER, _INTERNAL_TRANSFER = 21, 0x0F8A7EA5, 0x178D4519


@dataclass(eq=False)
class Jetton:
    """A jetton of the local chain. Two may share a ticker: that is what a counterfeit is."""

    ticker: str
    decimals: int
    admin: Address
    name: str = ""
    init: Cell = field(init=False)
    _wallet_code: Cell = field(init=False)

    def __post_init__(self) -> None:
        if not 0 <= self.decimals <= 255 or not 0 < len(self.ticker) <= 32:
            raise ValueError("a jetton needs a ticker of 1 to 32 characters and 0 to 255 decimals")
        self._wallet_code = _code("JettonWalletStandard")
        content = _content({"name": self.name or self.ticker, "symbol": self.ticker, "decimals": str(self.decimals)})
        data = Builder().coins(0).address(self.admin).ref(content).ref(self._wallet_code).end()
        self.init = state_init(_code("JettonMasterStandard"), data)

    @property
    def master(self) -> Address:
        return address_of(self.init)

    def wallet_of(self, owner: Address) -> Address:
        """The jetton wallet of `owner`, deployed or not."""
        data = Builder().coins(0).address(owner).address(self.master).ref(self._wallet_code).end()
        return address_of(state_init(self._wallet_code, data))

    def deploy(self) -> Send:
        """What the admin sends to put the minter on the chain."""
        return Send(self.master, 1_000_000_000, bounce=True, state_init=self.init)

    def mint(self, to: Address, amount: int) -> Send:
        """What the admin sends to give `to` new jettons (base units)."""
        inner = Builder().uint(_INTERNAL_TRANSFER, 32).uint(0, 64).coins(amount).address(None).address(self.admin)
        body = Builder().uint(_MINT, 32).uint(0, 64).address(to).coins(_ATTACHED_NANO)
        return Send(self.master, 2 * _ATTACHED_NANO, body.ref(inner.coins(0).uint(0, 1).end()).end(), bounce=True)

    def transfer(
        self,
        sender: Address,
        to: Address,
        amount: int,
        *,
        forward_nano: int = 1,
        payload: Cell | None = None,
        query_id: int = 0,
    ) -> Send:
        """What `sender` sends to its jetton wallet; `forward_nano` 0 means no notification."""
        body = Builder().uint(_TRANSFER, 32).uint(query_id, 64).coins(amount).address(to).address(sender).uint(0, 1)
        body = body.coins(forward_nano).maybe_ref(payload)
        return Send(self.wallet_of(sender), _ATTACHED_NANO + forward_nano, body.end(), bounce=True)


def _content(values: dict[str, str]) -> Cell:
    """On-chain metadata (TEP-64)."""
    entries = HashMap(256)
    for name, text in values.items():
        key = int.from_bytes(hashlib.sha256(name.encode()).digest(), "big")
        entries = entries.set(key, Builder().ref(Builder().uint(0, 8).raw(text.encode()).end()))
    return entries.store_e(Builder().uint(0, 8)).end()


def _code(name: str) -> Cell:
    """Contract code out of tonutils, imported only where a jetton is made."""
    contract = getattr(importlib.import_module("tonutils.contracts"), name)
    return read_root(contract.get_default_code().to_boc())
