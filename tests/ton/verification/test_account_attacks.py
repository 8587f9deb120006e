"""Account states that lie: the library is shown to believe them where it does, ours refuses every one."""

from typing import Any

import pytest
from pytoniq_core import Address

from harvester_ton.devnet.boc import pruned_branch, write_boc
from harvester_ton.devnet.cells import LIBRARY, MERKLE_UPDATE, Builder, Cell
from harvester_ton.devnet.hashmap_aug import HashMap
from harvester_ton.tl import AccountAddress, encode_bytes
from harvester_ton.verification import (
    AccountState,
    Reason,
    Refused,
    Status,
    verify_account_state,
    verify_all_shards,
    verify_shard,
)
from tests.ton.verification.bare import Bare
from tests.ton.verification.committee import Committee, config, some
from tests.ton.verification.forge import (
    ACCOUNTS,
    header,
    master_block,
    merkle_proof,
    shard_block,
    shard_hashes,
    shard_state,
    tree_hashes,
)
from tests.ton.verification.forged_answers import account_answer, account_cell, accounts, full_proof, state_proof

OLD = Committee("old")
MERCHANT = AccountAddress(0, b"\xa1" * 32)
OTHER = AccountAddress(0, b"\xa2" * 32)
NOBODY = AccountAddress(0, b"\xa3" * 32)
ON_MASTERCHAIN = AccountAddress(-1, b"\xa1" * 32)
CODE, DATA = Builder().uint(1, 8).end(), Builder().uint(2, 8).end()
LAST_HASH = b"\x99" * 32

POOR = account_cell(MERCHANT, 5, CODE, DATA)
RICH = account_cell(MERCHANT, 10**15, CODE, DATA)
STRANGER = account_cell(OTHER, 7)
HONEST = accounts((MERCHANT, POOR, 44, LAST_HASH), (OTHER, STRANGER, 45, LAST_HASH))
FORGED = accounts((MERCHANT, RICH, 99, LAST_HASH))

SHARD = shard_block(12, HONEST)
OLD_SHARD = shard_block(11, accounts((MERCHANT, STRANGER, 40, LAST_HASH)))
ELSEWHERE = shard_block(12, FORGED, workchain=1)
MASTER_ACCOUNT = account_cell(ON_MASTERCHAIN, 10**15, CODE, DATA)
HASHES = shard_hashes(SHARD, ELSEWHERE)
MASTER = master_block(header(15, OLD), config(OLD), HASHES, accounts((ON_MASTERCHAIN, MASTER_ACCOUNT, 9, LAST_HASH)))


def proven(answer: bytes, account: AccountAddress = MERCHANT) -> AccountState:
    """What ours makes of it."""
    return verify_account_state(MASTER.id, account, answer)


def refuses(reason: Reason, answer: bytes, account: AccountAddress = MERCHANT) -> None:
    """The answer must be refused for this reason."""
    with pytest.raises(Refused) as refusal:
        proven(answer, account)
    assert refusal.value.reason is reason, str(refusal.value)


async def believed_balance(answer: bytes, account: AccountAddress = MERCHANT) -> int | None:
    """The balance that the library believes; None: it believes that there is no account."""
    found, _ = await Bare(0, MASTER.id, [answer]).raw_get_account_state(Address((account.workchain, account.hash_part)))
    return found and int(found.storage.balance.grams)


async def test_an_honest_answer_is_believed_by_both() -> None:
    answer = account_answer(MASTER, SHARD, POOR)
    state = proven(answer)
    assert (state.last_trans_lt, state.last_trans_hash, state.content.balance_nano) == (44, LAST_HASH, 5)
    code, data = state.content.code, state.content.data
    assert (state.content.status, code and code.hash, data and data.hash) == (Status.ACTIVE, CODE.hash, DATA.hash)
    assert state.shard_block == SHARD.id
    assert await believed_balance(answer) == 5


def forged_update(state: Cell, *, told: Cell) -> Cell:
    """A Merkle update that says one hash of the new state, and has another one in its child."""
    honest = SHARD.root.refs[2]
    branch = pruned_branch(told)
    # A pruned branch of two levels: what the update's hash covers is level 1, what the library reads is level 0.
    data = bytes((1, 0b11)) + state.hash + branch.level_hash(1) + state.depths[-1].to_bytes(2) + b"\0\0"
    return Cell(honest.data, honest.bits, (honest.refs[0], Cell(data, 8 * len(data), (), 1)), MERKLE_UPDATE)


async def test_hole_3_a_forged_state_under_an_honest_block_is_refused_where_the_library_believes_it() -> None:
    state = shard_state(header(12, OLD, 0), FORGED, None)
    update = forged_update(state, told=SHARD.state)
    root = SHARD.root
    parts = (root.refs[0], pruned_branch(root.refs[1]), update, pruned_branch(root.refs[3]))
    shown = Cell(root.data, root.bits, parts)
    data = b"\x03" + root.hash + root.depths[-1].to_bytes(2)
    proof = write_boc([Cell(data, 8 * len(data), (shown,), 3), merkle_proof(state, tree_hashes(state))])
    answer = account_answer(MASTER, SHARD, RICH, proof=proof)
    assert shown.level_hash(0) == root.hash
    assert await believed_balance(answer) == 10**15
    refuses(Reason.MALFORMED, answer)


def test_another_state_honestly_proven_on_its_own_is_refused_under_this_block() -> None:
    forged = shard_block(12, FORGED)
    proof = write_boc([SHARD.header_proof, merkle_proof(forged.state, tree_hashes(forged.state))])
    refuses(Reason.UNPROVEN, account_answer(MASTER, SHARD, RICH, proof=proof))
    over_forged = master_block(header(15, OLD), config(OLD), shard_hashes(forged))
    proof = write_boc([MASTER.header_proof, merkle_proof(over_forged.state, tree_hashes(over_forged.state))])
    refuses(Reason.UNPROVEN, account_answer(MASTER, forged, RICH, shard_proof=proof))


def test_a_header_that_does_not_show_the_state_proves_no_state() -> None:
    shown = merkle_proof(SHARD.root, {SHARD.root.hash} | tree_hashes(SHARD.root.refs[0]))
    refuses(Reason.HIDDEN, account_answer(MASTER, SHARD, POOR, proof=state_proof(SHARD, header_=shown)))


async def test_hole_4_an_empty_state_without_proof_is_refused_where_the_library_says_no_account() -> None:
    answer = account_answer(MASTER, SHARD, None, proof=b"", shard_proof=b"")
    assert await believed_balance(answer) is None
    refuses(Reason.MALFORMED, answer)


async def test_hole_4_an_empty_state_of_an_account_that_is_proven_to_exist_is_refused() -> None:
    answer = account_answer(MASTER, SHARD, None)
    assert await believed_balance(answer) is None
    refuses(Reason.UNPROVEN, answer)


def test_absence_is_proven_and_a_state_beside_it_is_refused() -> None:
    state = proven(account_answer(MASTER, SHARD, None), NOBODY)
    assert (state.content.status, state.last_trans_lt, state.gen_utime > 0) == (Status.ABSENT, 0, True)
    refuses(Reason.UNPROVEN, account_answer(MASTER, SHARD, account_cell(NOBODY, 5)), NOBODY)


def test_absence_is_not_proven_by_a_path_that_is_pruned_away() -> None:
    state = SHARD.state
    path = some(HONEST.root)
    pruned = merkle_proof(state, tree_hashes(state) - tree_hashes(path))
    refuses(Reason.MALFORMED, account_answer(MASTER, SHARD, None, proof=write_boc([SHARD.header_proof, pruned])))


def test_absence_is_proven_in_a_shard_without_any_account() -> None:
    empty = shard_block(12, HashMap(256, ACCOUNTS))
    master = master_block(header(15, OLD), config(OLD), shard_hashes(empty))
    answer = account_answer(master, empty, None)
    assert verify_account_state(master.id, MERCHANT, answer).content.status is Status.ABSENT


async def test_hole_5_a_masterchain_account_is_refused_where_the_library_takes_it_for_one_of_workchain_0() -> None:
    answer = account_answer(MASTER, MASTER, MASTER_ACCOUNT, shard_proof=b"")
    assert await believed_balance(answer) == 10**15
    refuses(Reason.MALFORMED, answer)
    refuses(Reason.OTHER_QUESTION, account_answer(MASTER, MASTER, MASTER_ACCOUNT, shard_proof=state_proof(MASTER)))
    assert proven(answer, ON_MASTERCHAIN).content.balance_nano == 10**15


def test_an_account_of_another_workchain_is_refused() -> None:
    refuses(Reason.OTHER_QUESTION, account_answer(MASTER, ELSEWHERE, RICH))


def test_a_workchain_that_does_not_exist_is_refused() -> None:
    refuses(Reason.OTHER_QUESTION, account_answer(MASTER, SHARD, POOR), AccountAddress(7, MERCHANT.hash_part))


def test_another_account_is_refused() -> None:
    refuses(Reason.UNPROVEN, account_answer(MASTER, SHARD, STRANGER))
    misfiled = shard_block(12, accounts((MERCHANT, STRANGER, 40, LAST_HASH)))
    master = master_block(header(15, OLD), config(OLD), shard_hashes(misfiled))
    with pytest.raises(Refused, match="another account"):
        verify_account_state(master.id, MERCHANT, account_answer(master, misfiled, STRANGER))


def test_a_replayed_old_state_is_refused() -> None:
    refuses(Reason.OTHER_QUESTION, account_answer(MASTER, OLD_SHARD, STRANGER))
    renamed = account_answer(MASTER, OLD_SHARD, STRANGER, shard_block=SHARD.id)
    refuses(Reason.UNPROVEN, renamed)
    old_master = master_block(header(14, OLD), config(OLD), shard_hashes(OLD_SHARD))
    refuses(Reason.OTHER_QUESTION, account_answer(old_master, OLD_SHARD, STRANGER))
    refuses(Reason.UNPROVEN, account_answer(old_master, OLD_SHARD, STRANGER, block=MASTER.id))


def test_a_state_with_parts_left_out_is_refused() -> None:
    cut = Cell(POOR.data, POOR.bits, (POOR.refs[0], pruned_branch(POOR.refs[1])))
    assert cut.level_hash(0) == POOR.hash
    refuses(Reason.HIDDEN, account_answer(MASTER, SHARD, cut))
    refuses(Reason.HIDDEN, account_answer(MASTER, SHARD, merkle_proof(POOR, tree_hashes(POOR))))


@pytest.mark.parametrize(("kind", "allowed"), [("library", True), ("merkle", False)])
def test_code_and_data_may_hold_library_cells_and_no_other_exotic_ones(kind: str, allowed: bool) -> None:
    library = Cell(b"\x02" + b"\x88" * 32, 264, (), LIBRARY)
    strange = library if kind == "library" else merkle_proof(DATA, {DATA.hash})
    account = account_cell(MERCHANT, 5, strange, Builder().ref(strange).end())
    shard = shard_block(12, accounts((MERCHANT, account, 44, LAST_HASH)))
    master = master_block(header(15, OLD), config(OLD), shard_hashes(shard))
    answer = account_answer(master, shard, account)
    if allowed:
        assert verify_account_state(master.id, MERCHANT, answer).content.code is not None
        return
    with pytest.raises(Refused) as refusal:
        verify_account_state(master.id, MERCHANT, answer)
    assert refusal.value.reason is Reason.HIDDEN


def test_a_balance_of_extra_currencies_holds_data_only() -> None:
    library = Cell(b"\x02" + b"\x88" * 32, 264, (), LIBRARY)
    account = account_cell(MERCHANT, 5, CODE, DATA, extra_currencies=library)
    shard = shard_block(12, accounts((MERCHANT, account, 44, LAST_HASH)))
    master = master_block(header(15, OLD), config(OLD), shard_hashes(shard))
    with pytest.raises(Refused) as refusal:
        verify_account_state(master.id, MERCHANT, account_answer(master, shard, account))
    assert refusal.value.reason is Reason.HIDDEN


@pytest.mark.parametrize("part", ["shard_proof", "proof", "state"])
@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"\0", lambda data: data[4:]])
def test_cut_and_prolonged_parts_are_refused(part: str, change: Any) -> None:
    honest = {"shard_proof": state_proof(MASTER), "proof": state_proof(SHARD), "state": write_boc(POOR)}
    refuses(Reason.MALFORMED, account_answer(MASTER, SHARD, POOR, **{part: change(honest[part])}))


@pytest.mark.parametrize("roots", [1, 3])
def test_proofs_of_the_wrong_number_of_roots_are_refused(roots: int) -> None:
    proof = write_boc([SHARD.header_proof, merkle_proof(SHARD.state, tree_hashes(SHARD.state)), POOR][:roots])
    refuses(Reason.MALFORMED, account_answer(MASTER, SHARD, POOR, proof=proof))


def split(depth: int, account: AccountAddress, leaf: Cell) -> Cell:
    """A tree of shards in which `leaf` is where the account's first bits lead, and nothing readable elsewhere."""
    tree = leaf
    for bit in range(depth - 1, -1, -1):
        aside = Builder().uint(bit, 8).end()
        right = account.hash_part[bit // 8] >> (7 - bit % 8) & 1
        tree = Builder().uint(1, 1).ref(aside if right else tree).ref(tree if right else aside).end()
    return tree


@pytest.mark.parametrize("depth", [1, 2, 5, 60])
def test_the_shard_of_a_split_workchain_is_found_along_the_bits_of_the_account(depth: int) -> None:
    leaf = shard_hashes(SHARD).refs[0]
    hashes = some(HashMap(32).set(0, Builder().ref(split(depth, MERCHANT, leaf))).root)
    state = master_block(header(15, OLD), config(OLD), hashes)
    assert verify_shard(state.id, state_proof(state), MERCHANT).shard == shard_name(depth, MERCHANT)


def shard_name(depth: int, account: AccountAddress) -> int:
    """The prefix of the account, then a 1, then zeros."""
    bits = f"{int.from_bytes(account.hash_part[:8]):064b}"[:depth] + "1"
    return int(bits.ljust(64, "0"), 2)


def test_a_shard_split_more_often_than_a_shard_can_be_is_refused() -> None:
    hashes = some(HashMap(32).set(0, Builder().ref(split(61, MERCHANT, shard_hashes(SHARD).refs[0]))).root)
    block = master_block(header(15, OLD), config(OLD), hashes)
    with pytest.raises(Refused, match="split too often"):
        verify_shard(block.id, state_proof(block), MERCHANT)


def shards_answer(data: Cell, proof: bytes) -> bytes:
    """`liteServer.allShardsInfo`."""
    return bytes.fromhex("2de78f09") + MASTER.id.to_bytes() + encode_bytes(proof) + encode_bytes(write_boc(data))


def test_hole_9_shards_that_are_not_the_proven_ones_are_refused() -> None:
    data = Builder().maybe_ref(HASHES).end()
    for proof in (full_proof(MASTER.root), state_proof(MASTER)):
        assert set(verify_all_shards(MASTER.id, shards_answer(data, proof))) == {SHARD.id, ELSEWHERE.id}
        forged = Builder().maybe_ref(shard_hashes(OLD_SHARD)).end()
        with pytest.raises(Refused) as refusal:
            verify_all_shards(MASTER.id, shards_answer(forged, proof))
        assert refusal.value.reason is Reason.UNPROVEN
    with pytest.raises(Refused):
        verify_all_shards(MASTER.id, shards_answer(data, full_proof(SHARD.root)))
    with pytest.raises(Refused) as refusal:
        verify_all_shards(SHARD.id, shards_answer(data, full_proof(MASTER.root)))
    assert refusal.value.reason is Reason.OTHER_QUESTION
