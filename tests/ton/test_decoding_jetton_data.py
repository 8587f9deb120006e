"""Arguments and results of jetton get-methods, against the stacks that pytoniq writes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytoniq_core import Address, begin_cell
from pytoniq_core.boc import Cell as TheirCell
from pytoniq_core.tlb.vm_stack import VmStack

from harvester_ton.cells import CellError
from harvester_ton.jetton_data import owner_stack, read_wallet_address, read_wallet_data
from tests.ton.builders import MASTER, OWNER, text_body


def address_slice(address: str | None) -> Any:
    """An address as a stack value."""
    return begin_cell().store_address(address and Address(address)).end_cell().begin_parse()


def stack(*values: Any) -> bytes:
    """A stack with these values, the top last."""
    found: bytes = VmStack.serialize(list(values)).to_boc()
    return found


CODE = text_body("code")


@pytest.mark.parametrize("owner", [OWNER, "-1" + OWNER[1:]])
def test_the_argument_is_the_stack_that_pytoniq_writes(owner: str) -> None:
    cell = TheirCell.one_from_boc(owner_stack(owner))
    assert cell.hash == VmStack.serialize([address_slice(owner)]).hash


def test_a_wallet_address_is_read() -> None:
    assert read_wallet_address(stack(address_slice(OWNER))) == OWNER


@pytest.mark.parametrize("balance", [0, 5, 2**64, 2**120 - 1])
def test_wallet_data_is_read(balance: int) -> None:
    data = read_wallet_data(stack(balance, address_slice(OWNER), address_slice(MASTER), CODE))
    assert (data.balance, data.owner, data.master) == (balance, OWNER, MASTER)
    assert data.code.hash == CODE.hash


def test_an_address_in_the_middle_of_a_cell_is_read() -> None:
    cell = begin_cell().store_uint(5, 7).store_address(Address(OWNER)).store_uint(1, 3).end_cell()
    value = begin_cell().store_uint(4, 8).store_uint(7, 10).store_uint(7 + 267, 10).store_uint(0, 6)
    root = (
        begin_cell().store_uint(1, 24).store_ref(begin_cell().end_cell()).store_cell(value.store_ref(cell).end_cell())
    )
    assert read_wallet_address(root.end_cell().to_boc()) == OWNER


@pytest.mark.parametrize(
    "values",
    [
        (),
        (None,),
        (5,),
        (CODE,),
        (address_slice(None),),
        (address_slice(OWNER), 1),
        (-1, address_slice(OWNER), address_slice(MASTER), CODE),
        (1, address_slice(OWNER), address_slice(None), CODE),
        (1, address_slice(OWNER), address_slice(MASTER), 3),
    ],
)
def test_other_results_are_refused(values: tuple[Any, ...]) -> None:
    boc = stack(*values)
    for read in (read_wallet_address, read_wallet_data):
        with pytest.raises(CellError):
            read(boc)


@given(st.integers(0, 1023), st.integers(0, 1023), st.integers(0, 7), st.integers(0, 7))
def test_a_slice_with_any_bounds_is_read_or_refused(start: int, end: int, first: int, last: int) -> None:
    value = begin_cell().store_uint(4, 8).store_uint(start, 10).store_uint(end, 10).store_uint(first, 3)
    value.store_uint(last, 3).store_ref(begin_cell().store_address(Address(OWNER)).end_cell())
    root = begin_cell().store_uint(1, 24).store_ref(begin_cell().end_cell()).store_cell(value.end_cell()).end_cell()
    try:
        assert read_wallet_address(root.to_boc()) == OWNER
    except CellError:
        assert (start, end) != (0, 267)


def test_the_argument_reads_back_as_a_result() -> None:
    assert read_wallet_address(owner_stack(OWNER)) == OWNER
