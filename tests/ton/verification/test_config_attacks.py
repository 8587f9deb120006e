"""Configs, libraries and network configs that lie."""

import base64
import json
import struct
from typing import Any

import pytest

from harvester_ton.boc import parse_boc_root
from harvester_ton.cells import Cell as OurCell
from harvester_ton.devnet.boc import pruned_branch, write_boc
from harvester_ton.devnet.cells import LIBRARY, Builder, Cell
from harvester_ton.tl import BlockId, encode_bytes
from harvester_ton.verification import Reason, Refused, libraries_of, read_anchor, verify_config, verify_libraries
from tests.ton.recorded import load
from tests.ton.verification.committee import Committee, config
from tests.ton.verification.forge import Block, header, master_block, merkle_proof, tree_hashes
from tests.ton.verification.forged_answers import full_proof
from tests.ton.verification.sessions import ORDINARY

OLD, THIEVES = Committee("old"), Committee("thieves")
VERSION = Builder().uint(0xC4, 8).uint(13, 32).uint(0, 64).end()
CONFIG = config(OLD, {8: VERSION})
BLOCK = master_block(header(15, OLD), CONFIG)
FORGED = master_block(header(15, OLD), config(THIEVES, {8: VERSION}))


def answer(block: Block, state_proof: bytes, config_proof: bytes) -> bytes:
    """`liteServer.configInfo`."""
    head = bytes.fromhex("2f277bae") + struct.pack("<I", 0) + block.id.to_bytes()
    return head + encode_bytes(state_proof) + encode_bytes(config_proof)


def honest(block: Block) -> tuple[bytes, bytes]:
    """The two proofs as a node sends them."""
    return write_boc(block.header_proof), full_proof(block.state)


def refuses(reason: Reason, data: bytes, wanted: tuple[int, ...] = (8, 34)) -> None:
    """The answer must be refused for this reason."""
    with pytest.raises(Refused) as refusal:
        verify_config(BLOCK.id, wanted, data)
    assert refusal.value.reason is reason, str(refusal.value)


def test_an_honest_config_is_proven_and_absence_with_it() -> None:
    found = verify_config(BLOCK.id, (8, 34, 35, -1), answer(BLOCK, *honest(BLOCK)))
    assert {number: cell.hash for number, cell in found.items()} == {8: VERSION.hash, 34: OLD.param().hash}


def test_hole_8_a_config_that_is_not_that_of_the_block_is_refused() -> None:
    header_proof, state = honest(BLOCK)
    refuses(Reason.UNPROVEN, answer(BLOCK, header_proof, honest(FORGED)[1]))
    refuses(Reason.UNPROVEN, answer(BLOCK, *honest(FORGED)))
    refuses(Reason.OTHER_QUESTION, answer(FORGED, *honest(FORGED)))
    refuses(Reason.MALFORMED, answer(BLOCK, header_proof, write_boc(BLOCK.state)))
    refuses(Reason.MALFORMED, answer(BLOCK, state, header_proof)[:-8])


@pytest.mark.parametrize(("hide", "reason"), [(VERSION, Reason.HIDDEN), (CONFIG, Reason.MALFORMED)])
def test_parameters_that_are_pruned_away_are_refused(hide: Cell, reason: Reason) -> None:
    shown = merkle_proof(BLOCK.state, tree_hashes(BLOCK.state) - {hide.hash})
    refuses(reason, answer(BLOCK, write_boc(BLOCK.header_proof), write_boc(shown)))


def libraries(*entries: tuple[bytes, bytes]) -> bytes:
    """`liteServer.libraryResult`."""
    head = bytes.fromhex("6bb97a11") + struct.pack("<I", len(entries))
    return head + b"".join(found + encode_bytes(data) for found, data in entries)


def test_a_library_is_its_hash() -> None:
    code = Builder().uint(5, 8).ref(VERSION).end()
    found: dict[bytes, OurCell] = verify_libraries([code.hash], libraries((code.hash, write_boc(code))))
    assert found[code.hash].hash == code.hash
    assert verify_libraries([code.hash], libraries()) == {}


@pytest.mark.parametrize("lie", ["other code", "not asked for", "pruned", "proof inside"])
def test_a_false_library_is_refused(lie: str) -> None:
    code = Builder().uint(5, 8).ref(VERSION).end()
    cut = Cell(code.data, code.bits, (pruned_branch(VERSION),))
    inside = Builder().ref(merkle_proof(VERSION, {VERSION.hash})).end()
    wanted, sent, reason = {
        "other code": (code, VERSION, Reason.UNPROVEN),
        "not asked for": (VERSION, code, Reason.OTHER_QUESTION),
        "pruned": (code, cut, Reason.HIDDEN),
        "proof inside": (inside, inside, Reason.HIDDEN),
    }[lie]
    named = sent.hash if lie == "not asked for" else wanted.hash
    with pytest.raises(Refused) as refusal:
        verify_libraries([wanted.hash], libraries((named, write_boc(sent))))
    assert refusal.value.reason is reason


def test_the_libraries_to_ask_for_are_found_each_once() -> None:
    names = [Cell(b"\x02" + bytes([number]) * 32, 264, (), LIBRARY) for number in (1, 2)]
    shared = Builder().ref(names[0]).ref(names[1]).end()
    code = Builder().ref(shared).ref(Builder().ref(shared).end()).end()
    assert set(libraries_of(ours(code), ours(names[0]), ours(VERSION))) == {b"\1" * 32, b"\2" * 32}


def test_a_parameter_with_an_exotic_cell_is_refused() -> None:
    strange = Builder().ref(Cell(b"\x02" + b"\1" * 32, 264, (), LIBRARY)).end()
    block = master_block(header(15, OLD), config(OLD, {8: strange}))
    with pytest.raises(Refused) as refusal:
        verify_config(block.id, (8,), answer(block, *honest(block)))
    assert refusal.value.reason is Reason.HIDDEN


def ours(cell: Cell) -> OurCell:
    """A forged cell as the verifier has it."""
    return parse_boc_root(write_boc(cell))


def network(**validator: Any) -> str:
    """A network config with this validator section."""
    return json.dumps({"validator": validator})


BLOCK_JSON: dict[str, Any] = {
    "workchain": -1,
    "shard": -(1 << 63),
    "seqno": 3,
    "root_hash": base64.b64encode(b"\1" * 32).decode(),
    "file_hash": base64.b64encode(b"\2" * 32).decode(),
}


def test_trust_starts_at_the_init_block_or_else_at_the_zero_state() -> None:
    both = network(init_block=BLOCK_JSON, zero_state=BLOCK_JSON | {"seqno": 0})
    assert read_anchor(both).key_block == BlockId(-1, 1 << 63, 3, b"\1" * 32, b"\2" * 32)
    assert read_anchor(network(zero_state=BLOCK_JSON | {"seqno": 0})).block.seqno == 0
    assert read_anchor(json.dumps(load(ORDINARY)["config"])).block.seqno == 52


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        network(),
        network(init_block=[1]),
        network(init_block=BLOCK_JSON | {"root_hash": "AAAA"}),
        network(init_block=BLOCK_JSON | {"root_hash": 5}),
        network(init_block=BLOCK_JSON | {"root_hash": "%"}),
        network(init_block=BLOCK_JSON | {"workchain": 0}),
        network(init_block=BLOCK_JSON | {"shard": 5}),
        network(init_block=BLOCK_JSON | {"seqno": -1}),
        network(init_block=BLOCK_JSON | {"seqno": float("inf")}),
        network(init_block=BLOCK_JSON | {"seqno": "x"}),
    ],
)
def test_a_network_config_without_a_block_to_trust_is_a_clear_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"has no block|not JSON|block to trust|invalid literal"):
        read_anchor(text)
