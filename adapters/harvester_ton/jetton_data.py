"""Arguments and results of the jetton get-methods of TEP-74, as stacks in bags of cells (block.tlb `VmStack`).

    vm_stack#_ depth:(## 24) stack:(VmStackList depth); vm_stk_cons#_ rest:^(VmStackList n) tos:VmStackValue
    vm_stk_tinyint#01 value:int64; vm_stk_int#0201_ value:int257; vm_stk_cell#03 cell:^Cell;
    vm_stk_slice#04 cell:^Cell st_bits:(## 10) end_bits:(## 10) st_ref:(#<= 4) end_ref:(#<= 4)

The results come from contracts that anybody may write, or from a lite server: everything unexpected is a CellError.
"""

from dataclasses import dataclass

from harvester_ton.address import split_address
from harvester_ton.boc import parse_boc_root
from harvester_ton.boc_writing import write_boc
from harvester_ton.cell_building import cell_from_bits
from harvester_ton.cells import Cell, CellError
from harvester_ton.slices import Slice


@dataclass(frozen=True, slots=True)
class WalletData:
    """What a jetton wallet says of itself (`get_wallet_data`)."""

    balance: int
    owner: str
    """Raw address."""
    master: str
    """Raw address. Its own word only: the master must name this wallet too."""
    code: Cell


def owner_stack(owner: str) -> bytes:
    """The argument of `get_wallet_address`: a stack with the slice of `owner` (an address in any form)."""
    workchain, account = split_address(owner)
    address = 0b100 << 264 | (workchain & 0xFF) << 256 | int.from_bytes(account)
    bits = 3 + 8 + 256
    entry = (0x04 << 26) | bits << 6  # from bit and reference 0 to all bits and no reference
    root = cell_from_bits(1 << 34 | entry, 24 + 34, (cell_from_bits(0, 0), cell_from_bits(address, bits)))
    return write_boc(root)


def read_wallet_address(stack: bytes) -> str:
    """The raw address that `get_wallet_address` returned."""
    (value,) = _read_results(stack, 1)
    return _address(value)


def read_wallet_data(stack: bytes) -> WalletData:
    """What `get_wallet_data` returned: balance, owner, master, code."""
    balance, owner, master, code = _read_results(stack, 4)
    if not isinstance(balance, int) or balance < 0 or not isinstance(code, Cell):
        raise CellError("a jetton wallet's data has another shape")
    return WalletData(balance, _address(owner), _address(master), code)


def _address(value: int | Cell | Slice) -> str:
    address = value.address() if isinstance(value, Slice) else None
    if address is None:
        raise CellError("a get-method returned no address where one belongs")
    return address


def _read_results(stack: bytes, count: int) -> list[int | Cell | Slice]:
    """The values of a stack of exactly `count`, the top last."""
    data = Slice(parse_boc_root(stack))
    if data.uint(24) != count:
        raise CellError(f"a get-method returned another number of values than {count}")
    values = []
    for left in range(count, 0, -1):
        rest = data.ref()
        values.append(_read_value(data))
        if left > 1:
            data = Slice(rest)
    return values[::-1]


def _read_value(data: Slice) -> int | Cell | Slice:
    tag = data.uint(8)
    if tag == 0x01:
        return data.int_(64)
    if tag == 0x02 and data.uint(7) == 0:
        return data.int_(257)
    if tag == 0x03:
        return data.ref()
    if tag == 0x04:
        return _read_slice(data)
    raise CellError("a get-method returned a value of another kind")


def _read_slice(data: Slice) -> Slice:
    """A part of a cell, from its start or not."""
    cell = data.ref()
    start, end, first_ref, last_ref = data.uint(10), data.uint(10), data.uint(3), data.uint(3)
    if not start <= end <= cell.bits or not first_ref <= last_ref <= len(cell.refs):
        raise CellError("a slice that is not within its cell")
    content = Slice(cell)
    content.uint(start)
    return Slice(cell_from_bits(content.uint(end - start), end - start, cell.refs[first_ref:last_ref]))
