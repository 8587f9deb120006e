"""Reading cells: values as pytoniq writes them, the end of a cell, and dictionaries."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytoniq_core import Address, ExternalAddress, HashMap, begin_cell

from harvester_ton.cell_building import build_cell, cell_from_bits
from harvester_ton.cells import CellError
from harvester_ton.dictionaries import read_dictionary
from harvester_ton.slices import Slice
from tests.ton.builders import PAYER, empty, ours


@given(st.integers(1, 256), st.data())
def test_integers_are_read_as_pytoniq_writes_them(size: int, data: st.DataObject) -> None:
    unsigned = data.draw(st.integers(0, 2**size - 1))
    signed = data.draw(st.integers(-(2 ** (size - 1)), 2 ** (size - 1) - 1))
    coins = data.draw(st.integers(0, 2**120 - 1))
    cell = begin_cell().store_uint(unsigned, size).store_int(signed, size).store_coins(coins).end_cell()
    slice_ = Slice(ours(cell))
    assert slice_.peek(size) == unsigned
    assert (slice_.uint(size), slice_.int_(size), slice_.coins()) == (unsigned, signed, coins)
    assert slice_.bits_left == 0


def test_bytes_and_references_are_read_in_order() -> None:
    cell = begin_cell().store_bytes(b"ab").store_maybe_ref(empty()).store_bit(0).store_ref(begin_cell().end_cell())
    slice_ = Slice(ours(cell.end_cell()))
    assert slice_.bytes_(2) == b"ab"
    assert slice_.maybe_ref() is not None
    assert slice_.maybe_ref() is None
    assert len(slice_.refs_left()) == 1
    assert slice_.ref().bits == 0


ENDS: list[Callable[[Slice], Any]] = [
    lambda s: s.uint(4),
    lambda s: s.int_(9),
    lambda s: s.bytes_(1),
    lambda s: s.coins(),
    lambda s: s.ref(),
    lambda s: s.maybe_ref(),
    lambda s: s.address(),
]


@pytest.mark.parametrize("read", ENDS)
def test_reading_past_the_end_is_the_typed_refusal(read: Callable[[Slice], Any]) -> None:
    with pytest.raises(CellError):
        read(Slice(cell_from_bits(0b101, 3)))
    with pytest.raises(CellError):
        read(Slice(cell_from_bits(0, 0)))


def test_peeking_past_the_end_is_none() -> None:
    assert Slice(cell_from_bits(1, 1)).peek(2) is None


def test_an_exotic_cell_is_no_data() -> None:
    with pytest.raises(CellError, match="exotic"):
        Slice(build_cell(b"\x02" + bytes(32), 264, (), exotic=True))


ADDRESSES = {
    "none": (begin_cell().store_address(None), None),
    "std": (begin_cell().store_address(Address(PAYER)), PAYER),
    "masterchain": (begin_cell().store_address(Address("-1" + PAYER[1:])), "-1" + PAYER[1:]),
    "external": (begin_cell().store_address(ExternalAddress(5, 20)), None),
    "anycast": (begin_cell().store_bits("101").store_uint(3, 5).store_bits("111").store_uint(0, 264), None),
    "var": (begin_cell().store_bits("110").store_uint(8, 9).store_uint(0, 32).store_uint(1, 8), None),
}


@pytest.mark.parametrize("kind", ADDRESSES)
def test_only_a_plain_address_is_one_and_all_kinds_are_passed_over(kind: str) -> None:
    builder, expected = ADDRESSES[kind]
    slice_ = Slice(ours(builder.store_uint(0b1001, 4).end_cell()))
    assert slice_.address() == expected
    assert slice_.uint(4) == 0b1001
    assert slice_.bits_left == 0


@pytest.mark.parametrize("depth", [0, 31])
def test_an_impossible_anycast_is_refused(depth: int) -> None:
    cell = begin_cell().store_bits("101").store_uint(depth, 5).store_uint(0, 400).end_cell()
    with pytest.raises(CellError, match="anycast"):
        Slice(ours(cell)).address()


@given(st.dictionaries(st.integers(0, 2**32 - 1) | st.integers(0, 9), st.integers(0, 2**248 - 1), max_size=20))
def test_dictionaries_are_read_as_pytoniq_writes_them(entries: dict[int, int]) -> None:
    their = HashMap(key_size=32, value_serializer=lambda value, to: to.store_var_uint(value, 5))
    for key, value in entries.items():
        their.set_int_key(key, value)
    root = their.serialize()
    read = [(key, value.var_uint(5)) for key, value in read_dictionary(root and ours(root), 32, 20)]
    assert read == sorted(entries.items())


def test_a_dictionary_with_a_label_that_is_too_long_is_refused() -> None:
    for bits in ("0" + "1" * 9 + "0" + "1" * 9, "10" + "1111" + "1" * 15, "111" + "1111"):
        with pytest.raises(CellError, match="too long"):
            list(read_dictionary(ours(begin_cell().store_bits(bits).end_cell()), 8, 9))
