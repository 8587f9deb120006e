"""Wallets that sign: v3R2, v4R2, v5R1 and highload v2, with their code from pytoniq.

Bodies follow the contracts: v3/v4 put the signature first, v5 last; highload v2 takes up to 254 messages at once.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from nacl.signing import SigningKey

from harvester_ton.devnet.accounts import Address
from harvester_ton.devnet.blocks import GLOBAL_ID
from harvester_ton.devnet.boc import read_root
from harvester_ton.devnet.cells import Builder, Cell
from harvester_ton.devnet.hashmap_aug import HashMap

SUBWALLET = 698983191
# Client context of v5: workchain 0, version 0, subwallet 0, bound to the network.
_V5_WALLET_ID = (1 << 31 ^ GLOBAL_ID) & 0xFFFFFFFF
_FOREVER = 0xFFFFFFFF
_SEND_MODE = 3  # fees apart from the value, errors ignored


@dataclass(frozen=True)
class Send:
    """One message a wallet shall send."""

    dest: Address
    amount_nano: int
    body: Cell | None = None
    bounce: bool = False
    state_init: Cell | None = None


def state_init(code: Cell, data: Cell) -> Cell:
    """`StateInit` with code and data."""
    return Builder().uint(0b00110, 5).ref(code).ref(data).end()


def address_of(init: Cell) -> Address:
    """The address in the base workchain that a state init gives."""
    return 0, init.hash


def internal_message(send: Send) -> Cell:
    """`MessageRelaxed` with empty source, as a wallet takes it."""
    builder = Builder().uint(0, 1).uint(1, 1).uint(send.bounce, 1).uint(0, 1).uint(0, 2).address(send.dest)
    builder.coins(send.amount_nano).uint(0, 1 + 4 + 4 + 64 + 32)
    if send.state_init:
        builder.uint(0b11, 2).ref(send.state_init)
    else:
        builder.uint(0, 1)
    return (builder.uint(1, 1).ref(send.body) if send.body else builder.uint(0, 1)).end()


def external_message(dest: Address, body: Cell, init: Cell | None = None) -> Cell:
    """`Message` from outside."""
    builder = Builder().uint(0b10, 2).uint(0, 2).address(dest).uint(0, 4)
    builder = builder.uint(0b11, 2).ref(init) if init else builder.uint(0, 1)
    return builder.uint(1, 1).ref(body).end()


def _v3_body(wallet: Wallet, sends: Sequence[Send]) -> Builder:
    builder = Builder().uint(SUBWALLET, 32).uint(_FOREVER, 32).uint(wallet.seqno, 32)
    return _store_sends(builder, sends)


def _v4_body(wallet: Wallet, sends: Sequence[Send]) -> Builder:
    builder = Builder().uint(SUBWALLET, 32).uint(_FOREVER, 32).uint(wallet.seqno, 32).uint(0, 8)
    return _store_sends(builder, sends)


def _store_sends(builder: Builder, sends: Sequence[Send]) -> Builder:
    for send in sends:
        builder.uint(_SEND_MODE, 8).ref(internal_message(send))
    return builder


def _v5_body(wallet: Wallet, sends: Sequence[Send]) -> Builder:
    actions = Builder().end()
    for send in sends:
        actions = Builder().ref(actions).uint(0x0EC3C86D, 32).uint(_SEND_MODE, 8).ref(internal_message(send)).end()
    builder = Builder().uint(0x7369676E, 32).uint(_V5_WALLET_ID, 32).uint(_FOREVER, 32).uint(wallet.seqno, 32)
    return builder.uint(1, 1).ref(actions).uint(0, 1)


def _highload_body(wallet: Wallet, sends: Sequence[Send]) -> Builder:
    messages = HashMap(16)
    for index, send in enumerate(sends):
        messages = messages.set(index, Builder().uint(_SEND_MODE, 8).ref(internal_message(send)))
    query = _FOREVER << 32 | wallet.seqno
    return messages.store_e(Builder().uint(SUBWALLET, 32).uint(query, 64))


def _v3_data(key: bytes) -> Cell:
    return Builder().uint(0, 32).uint(SUBWALLET, 32).raw(key).end()


def _v4_data(key: bytes) -> Cell:
    return Builder().uint(0, 32).uint(SUBWALLET, 32).raw(key).uint(0, 1).end()


def _v5_data(key: bytes) -> Cell:
    return Builder().uint(1, 1).uint(0, 32).uint(_V5_WALLET_ID, 32).raw(key).uint(0, 1).end()


def _highload_data(key: bytes) -> Cell:
    return Builder().uint(SUBWALLET, 32).uint(0, 64).raw(key).uint(0, 1).end()


@dataclass(frozen=True)
class _Version:
    code_name: tuple[str, str]
    data: Callable[[bytes], Cell]
    body: Callable[[Wallet, Sequence[Send]], Builder]
    max_sends: int
    signature_last: bool = False


_VERSIONS = {
    "v3R2": _Version(("wallet", "WALLET_V3_R2_CODE"), _v3_data, _v3_body, 4),
    "v4R2": _Version(("wallet", "WALLET_V4_R2_CODE"), _v4_data, _v4_body, 4),
    "v5R1": _Version(("wallet_v5", "WALLET_V5_R1_CODE"), _v5_data, _v5_body, 255, signature_last=True),
    "highload_v2": _Version(("highload", "HIGHLOAD_WALLET_CODE"), _highload_data, _highload_body, 254),
}
WALLET_VERSIONS = tuple(_VERSIONS)


@dataclass(eq=False)
class Wallet:
    """A wallet whose key we hold. It counts its own messages, and deploys itself with the first one."""

    name: str
    version: str
    key: SigningKey
    seqno: int = 0
    init: Cell = field(init=False)

    def __post_init__(self) -> None:
        if self.version not in _VERSIONS:
            raise ValueError(f"wallet version must be one of {', '.join(_VERSIONS)}, not {self.version!r}")
        self.init = state_init(_code(*_VERSIONS[self.version].code_name), self._make.data(bytes(self.key.verify_key)))

    @property
    def _make(self) -> _Version:
        return _VERSIONS[self.version]

    @property
    def address(self) -> Address:
        return address_of(self.init)

    @property
    def max_sends(self) -> int:
        """Messages that fit into one external message."""
        return self._make.max_sends

    def message(self, sends: Sequence[Send]) -> Cell:
        """The signed external message that sends them all; counts the seqno up."""
        if not 0 < len(sends) <= self.max_sends:
            raise ValueError(f"{self.version} sends 1 to {self.max_sends} messages at once, not {len(sends)}")
        unsigned = self._make.body(self, sends)
        signature = self.key.sign(unsigned.end().hash).signature
        signed = Builder().append(unsigned).raw(signature) if self._make.signature_last else None
        body = signed or Builder().raw(signature).append(unsigned)
        init = self.init if self.seqno == 0 else None
        self.seqno += 1
        return external_message(self.address, body.end(), init)

    def messages(self, sends: Sequence[Send]) -> list[Cell]:
        """As many external messages as the sends need."""
        size = self.max_sends
        return [self.message(sends[at : at + size]) for at in range(0, len(sends), size)]


def _code(module: str, name: str) -> Cell:
    """Wallet code out of pytoniq, which is heavy and so imported only where a wallet is made."""
    contract = importlib.import_module(f"pytoniq.contract.wallets.{module}")
    return read_root(getattr(contract, name).to_boc())
