"""Nothing that anybody can put on chain raises anything but the typed refusal, counts twice or takes long."""

import contextlib
import time
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytoniq_core import Cell as TheirCell
from pytoniq_core import begin_cell

from harvester_ton.boc import parse_boc_root
from harvester_ton.boc_writing import write_boc
from harvester_ton.cell_building import build_cell, cell_from_bits
from harvester_ton.cells import Cell, CellError
from harvester_ton.decoding import Decoded, decode_coins, decode_jetton
from tests.ton.builders import (
    ACCOUNT,
    INVOICE_ID,
    MASTER,
    OWNER,
    PAYER,
    InternalMessage,
    MadeTransaction,
    internal_transfer,
    notification,
    ours,
    payload_body,
    payment,
    text_body,
)
from tests.ton.recorded import transaction_bocs

LIBRARY: Final = build_cell(b"\x02" + bytes(32), 264, (), exotic=True)
PROOF: Final = build_cell(b"\x03" + LIBRARY.hash + bytes(2), 280, (LIBRARY,), exotic=True)

OPS: Final = [0, 0x7AA23EB5, 0x2167DA4B, 0xFFFFFFFF, 0xFFFFFFFE, 0xD53276DB, 0x7362D09C, 0x178D4519]


@st.composite
def trees(draw: st.DrawFn) -> TheirCell:
    """Any small tree; its root often begins with a known op code."""
    cells: list[TheirCell] = []
    for _ in range(draw(st.integers(1, 4))):
        builder = begin_cell()
        if draw(st.booleans()):
            builder.store_uint(draw(st.sampled_from(OPS)), 32)
        builder.store_bits(draw(st.text("01", max_size=draw(st.sampled_from([8, 200, 700])))))
        for ref in draw(st.lists(st.sampled_from(cells), max_size=2)) if cells else []:
            builder.store_ref(ref)
        cells.append(builder.end_cell())
    return cells[-1]


def check(decoded: Decoded) -> None:
    """What holds for every result."""
    assert decoded.transfers or decoded.reason
    for transfer in decoded.transfers:
        assert transfer.amount > 0
        assert bool(transfer.invoice_id) != bool(transfer.reason)
        assert not (transfer.ignored and transfer.invoice_id)
        assert transfer.text is None or ("\0" not in transfer.text and 0 < len(transfer.text.encode()) <= 1024)


@given(trees(), st.booleans(), st.booleans())
def test_any_body_gives_a_transfer_of_what_came_with_it(body: TheirCell, bounced: bool, inline: bool) -> None:
    fits = inline and len(body.bits) < 300
    decoded = decode_coins(payment(body, bounced=bounced, inline=fits), ACCOUNT)
    check(decoded)
    assert [transfer.amount for transfer in decoded.transfers] == [50_000_000]


@given(trees(), trees())
def test_any_messages_of_a_jetton_wallet_give_a_result(incoming: TheirCell, outgoing: TheirCell) -> None:
    message = InternalMessage(source=PAYER, body=incoming).cell()
    out = InternalMessage(source=ACCOUNT, destination=OWNER, body=outgoing).cell()
    check(decode_jetton(MadeTransaction(ACCOUNT, message, (out,)).root(), ACCOUNT, OWNER, MASTER))


@given(trees())
def test_any_cell_in_the_place_of_a_message_gives_a_result(message: TheirCell) -> None:
    root = MadeTransaction(ACCOUNT, message, (message,)).root()
    check(decode_coins(root, ACCOUNT))
    check(decode_jetton(root, ACCOUNT, OWNER, MASTER))


def damage(cell: Cell, data: st.DataObject) -> Cell:
    """A tree with one bit changed, or one reference lost, somewhere on a path from the root."""
    deeper: bool = data.draw(st.booleans())
    if cell.refs and deeper:
        place = data.draw(st.integers(0, len(cell.refs) - 1))
        lost = data.draw(st.integers(0, 4)) == 0
        changed = () if lost else (damage(cell.refs[place], data),)
        return build_cell(cell.data, cell.bits, cell.refs[:place] + changed + cell.refs[place + 1 :])
    if cell.kind or not cell.bits:
        return cell
    value = int.from_bytes(cell.data) >> (-cell.bits % 8)
    keep = data.draw(st.sampled_from([cell.bits, cell.bits, cell.bits // 2]))
    flipped = (value ^ 1 << data.draw(st.integers(0, cell.bits - 1))) >> (cell.bits - keep)
    return cell_from_bits(flipped, keep, cell.refs)


@given(st.sampled_from(transaction_bocs()), st.data())
def test_a_damaged_transaction_gives_a_result_or_the_typed_refusal(boc: bytes, data: st.DataObject) -> None:
    root = parse_boc_root(boc)
    account = f"0:{int.from_bytes(root.data) >> (len(root.data) * 8 - 260) & (1 << 256) - 1:064x}"
    for _ in range(3):
        root = damage(root, data)
    with contextlib.suppress(CellError):
        check(decode_coins(root, account))
    with contextlib.suppress(CellError):
        check(decode_jetton(root, account, OWNER, MASTER))


def replaced(root: Cell, path: list[int], cell: Cell) -> Cell:
    """The tree with another cell at a path of reference numbers."""
    if not path:
        return cell
    place, *rest = path
    refs = list(root.refs)
    refs[place] = replaced(refs[place], rest, cell)
    return build_cell(root.data, root.bits, tuple(refs))


def pruned(cell: Cell) -> Cell:
    """A pruned branch in the place of a cell."""
    return build_cell(b"\x01\x01" + cell.hash + cell.depth.to_bytes(2), 288, (), exotic=True)


def jetton_root() -> Cell:
    """A notified jetton payment."""
    incoming = InternalMessage(source=PAYER, body=internal_transfer(1, PAYER, text_body())).cell()
    out = InternalMessage(source=ACCOUNT, destination=OWNER, body=notification(9, PAYER, text_body())).cell()
    return MadeTransaction(ACCOUNT, incoming, (out,)).root()


PATHS: Final = [[0], [0, 0], [0, 0, 0], [0, 1], [0, 1, 0], [0, 1, 0, 0, 0], [1], [2], [2, 0], [2, 1]]


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_a_pruned_branch_anywhere_is_refused_though_the_hash_fits(path: list[int]) -> None:
    root = jetton_root()
    target = root
    for place in path:
        target = target.refs[place]
    forged = replaced(root, path, pruned(target))
    assert forged.hash_at(0) == root.hash
    with pytest.raises(CellError, match="pruned"):
        decode_jetton(forged, ACCOUNT, OWNER, MASTER)
    with pytest.raises(CellError, match="pruned"):
        decode_coins(forged, ACCOUNT)


@pytest.mark.parametrize("path", [[], [0], [0, 0], [0, 1], [1], [2], [2, 0], [2, 1]], ids=str)
@pytest.mark.parametrize("cell", [LIBRARY, PROOF], ids=["library", "proof"])
def test_an_exotic_cell_in_the_place_of_a_part_is_refused(path: list[int], cell: Cell) -> None:
    with pytest.raises(CellError, match="exotic"):
        decode_jetton(replaced(jetton_root(), path, cell), ACCOUNT, OWNER, MASTER)


def with_ref(body: TheirCell, cell: Cell) -> Cell:
    """A body that ends in a reference to an exotic cell."""
    own = ours(body)
    return build_cell(own.data, own.bits, (cell,))


@pytest.mark.parametrize("cell", [LIBRARY, PROOF], ids=["library", "proof"])
@pytest.mark.parametrize("body", [text_body(), payload_body()], ids=["text", "payload"])
def test_a_body_with_an_exotic_cell_is_money_without_reference(body: TheirCell, cell: Cell) -> None:
    for changed in (with_ref(body, cell), cell):
        root = replaced(payment(body), [0, 0, 0], changed)
        (transfer,) = decode_coins(root, ACCOUNT).transfers
        assert (transfer.invoice_id, transfer.amount, transfer.ignored) == (None, 50_000_000, False)


@pytest.mark.parametrize("path", [[0, 0, 0], [0, 0, 0, 0], [0, 1, 0], [0, 1, 0, 0], [0, 1, 0, 0, 0]], ids=str)
def test_exotic_cells_in_a_notification_or_beside_it_take_the_reference_away(path: list[int]) -> None:
    (transfer,) = decode_jetton(replaced(jetton_root(), path, LIBRARY), ACCOUNT, OWNER, MASTER).transfers
    assert transfer.invoice_id is None


def with_init(code: Cell) -> Cell:
    """A payment whose message carries a state init with this code."""
    init = begin_cell().store_bits("00100").store_ref(begin_cell().end_cell()).end_cell()
    return replaced(payment(text_body(), init=init), [0, 0, 0, 0], code)


def test_a_library_cell_as_contract_code_is_nothing_unusual_but_a_proof_is() -> None:
    (usual,) = decode_coins(with_init(LIBRARY), ACCOUNT).transfers
    assert str(usual.invoice_id) == INVOICE_ID
    (unusual,) = decode_coins(with_init(PROOF), ACCOUNT).transfers
    assert unusual.invoice_id is None


def endless_dictionary(bits: int, leaf: Cell) -> Cell:
    """A dictionary with 2^bits entries in bits + 1 cells."""
    cell = leaf
    for _ in range(bits):
        cell = build_cell(b"\x20", 2, (cell, cell))
    return cell


def test_dictionaries_of_shared_cells_cost_no_more_than_their_limit() -> None:
    started = time.process_time()
    message = InternalMessage(extra=((1, 1),), body=text_body()).cell()
    root = MadeTransaction(in_message=message, out_messages=(message,)).root()
    bomb = replaced(root, [0, 0, 0], endless_dictionary(32, cell_from_bits(0b00_00001_00000001, 15)))
    assert "more than" in (decode_coins(bomb, ACCOUNT).reason or "")
    with pytest.raises(CellError, match="more than"):
        decode_jetton(
            replaced(root, [0, 1], endless_dictionary(15, build_cell(b"\x20", 2, (ours(message),)))),
            ACCOUNT,
            OWNER,
            MASTER,
        )
    assert time.process_time() - started < 1


def test_a_very_long_text_is_read_in_no_time() -> None:
    body = cell_from_bits(0, 0)
    for _ in range(900):
        body = build_cell(b"a" * 100, 800, (body,))
    body = build_cell(bytes(4), 32, (body,))
    root = parse_boc_root(write_boc(replaced(payment(text_body()), [0, 0, 0], body)))
    started = time.process_time()
    (transfer,) = decode_coins(root, ACCOUNT).transfers
    assert transfer.text == "a" * 1024
    assert time.process_time() - started < 1


def test_the_jetton_payment_of_these_tests_is_a_payment() -> None:
    (transfer,) = decode_jetton(jetton_root(), ACCOUNT, OWNER, MASTER).transfers
    assert (transfer.amount, str(transfer.invoice_id)) == (9, INVOICE_ID)
