"""What a get-method needs besides the contract: parameters of the config, and libraries."""

from collections.abc import Sequence
from typing import Final

from harvester_ton.cells import LIBRARY_BIT, Cell, CellKind
from harvester_ton.tl import BlockId
from harvester_ton.verification.answers import read_config_info, read_library_result
from harvester_ton.verification.blocks import read_header, shown_tree, state_hash
from harvester_ton.verification.limits import MAX_HEADER_CELLS, MAX_STATE_CELLS, read_root, refuse_hidden
from harvester_ton.verification.masterchain_state import config_of_state
from harvester_ton.verification.refusal import Reason, Refused, reading
from harvester_ton.verification.validators import config_param

_WHAT: Final = "config"


def verify_config(masterchain_block: BlockId, wanted: Sequence[int], answer: bytes) -> dict[int, Cell]:
    """Return the `wanted` parameters of the config in force after a proven masterchain block, without the absent ones.

    `answer` is that to `getConfigParams`, or `getConfigAll`, in a mode without 0x8000 (from the state, not from a key
    block). Rules: header, state and config are proven one from the other; each parameter is shown as a whole. Source:
    `check_extract_state_proof` in crypto/block/check-proof.cpp.
    """
    root = _proven_config(masterchain_block, answer)
    with reading(_WHAT):
        found = {number: config_param(root, number) for number in wanted}
    for number, value in found.items():
        if value:
            refuse_hidden(value, f"{_WHAT}: parameter {number}", allowed=0)
    return {number: value for number, value in found.items() if value}


def verify_whole_config(masterchain_block: BlockId, answer: bytes) -> Cell:
    """Return the root of the config in force after a proven masterchain block, from the answer to `getConfigAll`.

    Rules as `verify_config`; nothing of the config is left out.
    """
    root = _proven_config(masterchain_block, answer)
    refuse_hidden(root, _WHAT, allowed=0)
    return root


def _proven_config(masterchain_block: BlockId, answer: bytes) -> Cell:
    said = read_config_info(answer)
    if said.block != masterchain_block:
        raise Refused(Reason.OTHER_QUESTION, f"{_WHAT}: as of another block than was asked for")
    header = read_header(read_root(said.first, _WHAT, MAX_HEADER_CELLS), masterchain_block, _WHAT)
    state = shown_tree(read_root(said.second, _WHAT, MAX_STATE_CELLS), _WHAT)
    if state.hash_at(0) != state_hash(header, _WHAT):
        raise Refused(Reason.UNPROVEN, f"{_WHAT}: of a state that is not the one after block {masterchain_block.seqno}")
    with reading(_WHAT):
        return config_of_state(state)


def verify_libraries(wanted: Sequence[bytes], answer: bytes) -> dict[bytes, Cell]:
    """Return the libraries in the answer to `getLibraries`, by hash; those the masterchain does not have are missing.

    Rule: a library's hash is its proof; it may use further libraries, and hides nothing. Whether the masterchain has it
    is not proven, and need not be: code with that hash is that code.
    """
    found = {}
    for library_hash, data in read_library_result(answer):
        if library_hash not in wanted:
            raise Refused(Reason.OTHER_QUESTION, "libraries: one that was not asked for")
        root = read_root(data, "libraries")
        refuse_hidden(root, "libraries")
        if root.hash != library_hash:
            raise Refused(Reason.UNPROVEN, "libraries: one with another hash")
        found[library_hash] = root
    return found


def libraries_of(*roots: Cell) -> tuple[bytes, ...]:
    """Return the hashes of the libraries that these cells name, each once: what to ask for before running the code."""
    found: dict[bytes, None] = {}
    seen: set[bytes] = set()
    todo = [root for root in roots if root.exotics & LIBRARY_BIT]
    while todo:
        cell = todo.pop()
        if cell.hash in seen:
            continue
        seen.add(cell.hash)
        if cell.kind is CellKind.LIBRARY:
            found[cell.data[1:33]] = None
        todo += [ref for ref in cell.refs if ref.exotics & LIBRARY_BIT]
    return tuple(found)
