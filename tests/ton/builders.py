"""Transactions for tests, made with pytoniq-core: another author's writer against our reader."""

from dataclasses import dataclass, replace
from typing import Any

from pytoniq_core import Address, Cell, HashMap, begin_cell

from harvester_ton.boc import parse_boc_root
from harvester_ton.cells import Cell as OurCell

ACCOUNT = "0:" + "a1" * 32
PAYER = "0:" + "b2" * 32
OWNER = "0:" + "c3" * 32
MASTER = "0:" + "d4" * 32
INVOICE_ID = "0195ec3c-ee40-757e-8af7-fb3dc377a726"
NOW = 1_744_066_284


def ours(cell: Cell) -> OurCell:
    """A pytoniq cell as ours."""
    return parse_boc_root(cell.to_boc())


def text_body(text: str | bytes = INVOICE_ID) -> Cell:
    """A text comment in one cell, or in a snake if it is long."""
    data = text.encode() if isinstance(text, str) else text
    return begin_cell().store_uint(0, 32).store_snake_bytes(data).end_cell()


def payload_body(invoice_id: str = INVOICE_ID) -> Cell:
    """An invoice payload without url."""
    digits = invoice_id.replace("-", "")
    return begin_cell().store_uint(0x7AA23EB5, 32).store_bytes(bytes.fromhex(digits)).store_uint(0, 8).end_cell()


def empty() -> Cell:
    """The cell without anything."""
    return begin_cell().end_cell()


@dataclass(frozen=True)
class InternalMessage:
    """An internal message; the body goes into a reference unless `inline`."""

    source: str | None = PAYER
    destination: str | None = ACCOUNT
    value: int = 50_000_000
    bounced: bool = False
    extra: tuple[tuple[int, int], ...] = ()
    ihr_fee: int = 0
    body: Cell | None = None
    inline: bool = False
    init: Cell | None = None
    init_inline: bool = False

    def cell(self) -> Cell:
        """The message cell."""
        builder = begin_cell().store_bits([0, 1, 1, int(self.bounced)])
        builder.store_address(self.source and Address(self.source))
        builder.store_address(self.destination and Address(self.destination))
        builder.store_coins(self.value).store_dict(currencies(self.extra))
        builder.store_coins(self.ihr_fee).store_coins(0).store_uint(7, 64).store_uint(NOW, 32)
        builder.store_bit(int(self.init is not None))
        if self.init is not None:
            builder.store_bit(int(not self.init_inline))
            builder = builder.store_cell(self.init) if self.init_inline else builder.store_ref(self.init)
        body = self.body or empty()
        builder.store_bit(int(not self.inline))
        return (builder.store_cell(body) if self.inline else builder.store_ref(body)).end_cell()


def currencies(amounts: tuple[tuple[int, int], ...]) -> Cell | None:
    """ExtraCurrencyCollection."""
    if not amounts:
        return None
    entries = HashMap(key_size=32, value_serializer=lambda amount, to: to.store_var_uint(amount, 5))
    for currency, amount in amounts:
        entries.set_int_key(currency, amount)
    return entries.serialize()


def external_in(destination: str = ACCOUNT) -> Cell:
    """An external message."""
    builder = begin_cell().store_bits("10").store_address(None).store_address(Address(destination)).store_coins(0)
    return builder.store_bits("00").end_cell()


def external_out(source: str = ACCOUNT) -> Cell:
    """A log message."""
    builder = begin_cell().store_bits("11").store_address(Address(source)).store_address(None)
    return builder.store_uint(7, 64).store_uint(NOW, 32).store_bits("00").end_cell()


@dataclass(frozen=True)
class Phases:
    """The description of an ordinary transaction."""

    skipped: str | None = None
    success: bool = True
    exit_code: int = 0
    action_success: bool | None = True
    bounce: str | None = None
    aborted: bool = False

    def cell(self) -> Cell:
        """TransactionDescr."""
        builder = begin_cell().store_uint(0, 4).store_bit(0)
        builder.store_bit(1).store_coins(3).store_bit(0).store_bit(0)
        builder.store_bit(1).store_bit(0).store_coins(50).store_bit(0)
        self._compute(builder)
        builder.store_bit(int(self.action_success is not None))
        if self.action_success is not None:
            builder.store_ref(begin_cell().store_bit(int(self.action_success)).store_uint(0, 40).end_cell())
        builder.store_bit(int(self.aborted)).store_bit(int(self.bounce is not None))
        if self.bounce:
            builder.store_bits({"ok": "1", "nofunds": "01", "negfunds": "00"}[self.bounce]).store_uint(0, 32)
        return builder.store_bit(0).end_cell()

    def _compute(self, builder: Any) -> None:
        if self.skipped:
            kinds = {"no_state": "000", "bad_state": "001", "no_gas": "010", "suspended": "0110"}
            builder.store_bits(kinds[self.skipped])
            return
        builder.store_bit(1).store_bit(int(self.success)).store_bits("00").store_coins(9)
        details = begin_cell().store_var_uint(4, 3).store_var_uint(5, 3).store_bit(1).store_var_uint(6, 2)
        details.store_uint(0, 8).store_int(self.exit_code, 32).store_bit(0).store_uint(1, 32).store_uint(0, 512)
        builder.store_ref(details.end_cell())


@dataclass(frozen=True)
class MadeTransaction:
    """A transaction of `account` with the parts given."""

    account: str = ACCOUNT
    in_message: Cell | None = None
    out_messages: tuple[Cell, ...] = ()
    description: Cell | None = None

    def cell(self) -> Cell:
        """The root cell."""
        out = HashMap(key_size=15, value_serializer=lambda cell, to: to.store_ref(cell))
        for index, message in enumerate(self.out_messages):
            out.set_int_key(index, message)
        messages = begin_cell().store_maybe_ref(self.in_message).store_dict(out.serialize()).end_cell()
        builder = begin_cell().store_uint(7, 4).store_bytes(bytes.fromhex(self.account.partition(":")[2]))
        builder.store_uint(1000, 64).store_bytes(b"\x01" * 32).store_uint(900, 64).store_uint(NOW, 32)
        builder.store_uint(len(self.out_messages), 15).store_uint(0b1010, 4).store_ref(messages)
        builder.store_coins(77).store_bit(0)
        builder.store_ref(begin_cell().store_uint(0x72, 8).store_uint(0, 512).end_cell())
        return builder.store_ref(self.description or Phases().cell()).end_cell()

    def root(self) -> OurCell:
        """The root cell as ours."""
        return ours(self.cell())


def payment(body: Cell | None = None, phases: Phases | None = None, **message: Any) -> OurCell:
    """A transaction by which `ACCOUNT` is paid."""
    made = replace(InternalMessage(body=body), **message)
    return MadeTransaction(in_message=made.cell(), description=(phases or Phases()).cell()).root()


def internal_transfer(
    amount: int = 1_230_000, sender: str | None = PAYER, payload: Cell | None = None, *, inline: bool = False
) -> Cell:
    """The body that brings jettons to a jetton wallet."""
    builder = begin_cell().store_uint(0x178D4519, 32).store_uint(5, 64).store_coins(amount)
    builder.store_address(sender and Address(sender)).store_address(None).store_coins(0)
    return _with_payload(builder, payload, inline)


def notification(
    amount: int = 1_230_000, sender: str | None = PAYER, payload: Cell | None = None, *, inline: bool = False
) -> Cell:
    """The body by which a jetton wallet tells its owner."""
    builder = begin_cell().store_uint(0x7362D09C, 32).store_uint(5, 64).store_coins(amount)
    return _with_payload(builder.store_address(sender and Address(sender)), payload, inline)


def _with_payload(builder: Any, payload: Cell | None, inline: bool) -> Cell:
    if payload is None:
        return builder.store_bit(0).end_cell()
    return (builder.store_bit(0).store_cell(payload) if inline else builder.store_bit(1).store_ref(payload)).end_cell()
