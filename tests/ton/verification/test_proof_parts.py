"""The small parts that all proofs are read with: TL values, headers, shard names, dictionaries."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harvester_ton.boc import parse_boc_root
from harvester_ton.cells import CellError
from harvester_ton.devnet.boc import pruned_branch, write_boc
from harvester_ton.devnet.cells import Builder, Cell
from harvester_ton.slices import Slice
from harvester_ton.tl import AccountAddress, encode_bytes
from harvester_ton.verification import Reason, Refused, verify_shard
from harvester_ton.verification.blocks import read_header, read_shard
from harvester_ton.verification.lookup import find
from harvester_ton.verification.tl_values import Values
from tests.ton.verification.committee import Committee
from tests.ton.verification.forge import (
    header,
    make_block,
    merkle_proof,
    shard_block,
    shard_state,
    tree_hashes,
)
from tests.ton.verification.forged_answers import account_cell, accounts, state_proof

MERCHANT = AccountAddress(0, b"\xa1" * 32)
POOR = account_cell(MERCHANT, 5, Builder().end(), Builder().end())
HONEST = accounts((MERCHANT, POOR, 44, bytes(32)))
SHARD = shard_block(12, HONEST)


@pytest.mark.parametrize("size", [0, 1, 3, 4, 253, 254, 255, 70_000])
def test_byte_strings_are_read_as_they_are_written(size: int) -> None:
    values = Values(encode_bytes(b"x" * size) + encode_bytes(b"y"), "test")
    assert (values.byte_string(), values.byte_string()) == (b"x" * size, b"y")
    values.end()


@pytest.mark.parametrize(
    ("data", "read"),
    [
        ("ff00000000000000", Values.byte_string),
        ("fffe0000" + "00" * 254 + "0000", Values.byte_string),
        ("fe01000061000000", Values.byte_string),
        ("fdfd", Values.byte_string),
        ("01610001", Values.byte_string),
        ("0161", Values.byte_string),
        ("", Values.byte_string),
        ("00000000", Values.flag),
        ("b5757298", Values.flag),
        ("b57572", Values.flag),
        ("000000", Values.uint32),
        ("00" * 79, Values.block_id),
        ("00" * 31, Values.int256),
        ("00", Values.end),
    ],
)
def test_values_in_another_form_than_their_own_are_refused(data: str, read: Callable[[Values], Any]) -> None:
    with pytest.raises(Refused) as refusal:
        read(Values(bytes.fromhex(data), "test"))
    assert refusal.value.reason is Reason.MALFORMED


def test_a_masterchain_state_without_a_masterchain_part_is_refused() -> None:
    made = header(15, Committee("old"))
    bare = make_block(made, shard_state(made, HONEST, None), None)
    with pytest.raises(Refused, match="not a masterchain state"):
        verify_shard(bare.id, state_proof(bare), MERCHANT)


@pytest.mark.parametrize("change", [{"seqno": 13}, {"workchain": 1}, {"shard": 1 << 62}])
def test_a_block_is_what_its_own_header_says_whatever_it_is_called(change: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refusal:
        read_header(parse_boc_root(write_boc(SHARD.header_proof)), replace(SHARD.id, **change), "header")
    assert refusal.value.reason is Reason.HEADER


def test_what_is_no_block_has_no_header() -> None:
    proof = merkle_proof(POOR, tree_hashes(POOR))
    with pytest.raises(Refused, match="not a block"):
        read_header(parse_boc_root(write_boc(proof)), replace(SHARD.id, root_hash=POOR.hash), "header")


def test_what_is_not_a_merkle_proof_of_level_0_is_no_proof() -> None:
    root = SHARD.root
    inner = merkle_proof(root, {root.hash})
    outer = merkle_proof(inner, tree_hashes(inner))
    higher = Cell(root.data, root.bits, (root.refs[0], pruned_branch(root.refs[1], 1), *root.refs[2:]))
    data = b"\x03" + root.hash + root.depths[-1].to_bytes(2)
    for proof in (outer, Cell(data, 8 * len(data), (higher,), 3), root):
        with pytest.raises(Refused) as refusal:
            read_header(parse_boc_root(write_boc(proof)), SHARD.id, "header")
        assert refusal.value.reason is (Reason.UNPROVEN if proof is outer else Reason.MALFORMED)


@pytest.mark.parametrize(
    ("tag", "bits", "prefix"), [(1, 0, 0), (0, 61, 0), (0, 0, 1 << 63), (0, 1, 1), (0, 60, 1 << 3)]
)
def test_a_shard_with_a_wrong_name_is_refused(tag: int, bits: int, prefix: int) -> None:
    cell = Builder().uint(tag, 2).uint(bits, 6).uint(0, 32).uint(prefix, 64).end()
    with pytest.raises(Refused):
        read_shard(Slice(parse_boc_root(write_boc(cell))))


def test_a_key_longer_than_keys_are_is_refused() -> None:
    for label in (Builder().uint(0b10, 2).uint(3, 2), Builder().uint(0b11, 2).uint(1, 1).uint(3, 2)):
        edge = parse_boc_root(write_boc(label.uint(0, 20).end()))
        with pytest.raises(CellError, match="too long"):
            find(edge, 0, 2)
    unary = parse_boc_root(write_boc(Builder().uint(0b01110, 5).uint(0, 20).end()))
    with pytest.raises(CellError, match="too long"):
        find(unary, 0, 2)
