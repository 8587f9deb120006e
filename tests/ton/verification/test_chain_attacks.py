"""Block proofs whose steps lie: the library is shown to believe them where it does, ours refuses every one."""

import asyncio
import struct
from dataclasses import replace

import pytest

from harvester_ton.devnet.boc import pruned_branch, write_boc
from harvester_ton.devnet.cells import Builder
from harvester_ton.tl import BlockId
from harvester_ton.verification import Reason, Refused, TrustedBlock, start_from, verify_block_proof
from tests.ton.verification.bare import Bare, their_id
from tests.ton.verification.block_chain import (
    KEY,
    LAST,
    NEW,
    NEXT_KEY,
    OLD,
    PLAIN,
    THIEVES,
    TRUSTED,
    believed,
    proof_to,
    refuses,
)
from tests.ton.verification.committee import config
from tests.ton.verification.forge import Block, header, master_block, merkle_proof, tree_hashes, zero_state
from tests.ton.verification.forged_answers import FALSE, block_proof, config_proof, ordinary, signed_step, step_back


async def test_an_honest_proof_over_two_committees_is_believed_by_both() -> None:
    answer = block_proof(KEY.id, LAST.id, signed_step(OLD, KEY, NEXT_KEY), signed_step(NEW, NEXT_KEY, LAST))
    proven = verify_block_proof(TRUSTED, LAST.id, answer)
    assert [found.block for found in proven.blocks] == [NEXT_KEY.id, LAST.id]
    assert proven.blocks[-1].key_block == NEXT_KEY.id
    assert await believed(answer, KEY, LAST)


async def test_hole_1_a_chain_of_the_servers_own_is_refused_where_the_library_follows_it() -> None:
    own_key = master_block(header(10, THIEVES, key=True), config(THIEVES))
    forged = master_block(header(15, THIEVES, prev_key=10), config(THIEVES))
    signatures = ordinary(THIEVES.sign(forged.id), THIEVES.set_hash())
    answer = proof_to(forged, signatures, config_proof=config_proof(own_key))
    assert await believed(answer, KEY, forged)
    refuses(Reason.UNPROVEN, answer, forged)


async def test_hole_11_an_empty_list_of_steps_is_refused_where_the_library_asks_for_ever() -> None:
    answer = block_proof(KEY.id, PLAIN.id)
    client = Bare(0, KEY.id, [answer] * 100)
    with pytest.raises(RuntimeError, match="StopIteration"):
        await asyncio.wait_for(client.get_mc_block_proof(client.last_mc_block, their_id(PLAIN.id)), 5)
    refuses(Reason.NO_STEPS, answer)


async def test_hole_13_back_to_an_old_committee_and_forward_is_refused_where_the_library_goes() -> None:
    trusted = TrustedBlock(NEXT_KEY.id, NEXT_KEY.id, 1)
    forged = master_block(header(35, OLD, prev_key=10), config(OLD))
    back = step_back(NEXT_KEY, KEY)
    answer = block_proof(NEXT_KEY.id, forged.id, back, signed_step(OLD, KEY, forged))
    assert await believed(answer, NEXT_KEY, forged)
    refuses(Reason.BACKWARD, answer, forged, trusted)
    forward_only = block_proof(KEY.id, forged.id, signed_step(OLD, KEY, forged))
    refuses(Reason.OTHER_QUESTION, forward_only, forged, trusted)


async def test_hole_14_an_old_block_under_a_new_number_is_refused_where_the_library_believes_the_number() -> None:
    real = PLAIN.id
    renamed = BlockId(real.workchain, real.shard, 99, real.root_hash, real.file_hash)
    answer = proof_to(PLAIN, ordinary(OLD.sign(renamed), OLD.set_hash()), to_id=renamed)
    assert await believed(answer, KEY, renamed)
    refuses(Reason.HEADER, answer, renamed)


def test_another_network_is_refused_at_its_first_step() -> None:
    other = master_block(header(11, NEW, key=True), config(NEW))
    end = master_block(header(15, NEW, prev_key=11), config(NEW))
    answer = block_proof(other.id, end.id, signed_step(NEW, other, end))
    refuses(Reason.OTHER_QUESTION, answer, end)
    answer = block_proof(KEY.id, end.id, signed_step(NEW, other, end))
    refuses(Reason.BROKEN_CHAIN, answer, end)


def test_a_signed_fork_of_what_was_proven_is_a_contradiction() -> None:
    twin = master_block(header(15, OLD, prev_key=10), config(NEW))
    trusted = TrustedBlock(PLAIN.id, KEY.id, 1)
    answer = proof_to(twin, ordinary(OLD.sign(twin.id), OLD.set_hash()))
    refuses(Reason.CONTRADICTION, answer, twin, trusted)
    key_between = master_block(header(12, OLD, key=True, prev_key=10), config(OLD))
    part = block_proof(KEY.id, key_between.id, signed_step(OLD, KEY, key_between), complete=False)
    refuses(Reason.CONTRADICTION, part, LAST, trusted)


def test_a_start_without_validators_in_it_is_refused() -> None:
    renamed = master_block(header(30, OLD, prev_key=15), config(OLD))
    answer = block_proof(PLAIN.id, renamed.id, signed_step(OLD, PLAIN, renamed))
    refuses(Reason.NOT_KEY_BLOCK, answer, renamed, start_from(PLAIN.id))


def test_a_wrong_key_block_flag_is_refused() -> None:
    signatures = ordinary(OLD.sign(PLAIN.id), OLD.set_hash())
    refuses(Reason.HEADER, proof_to(PLAIN, signatures, to_key_block=True))


@pytest.mark.parametrize("target", [KEY, master_block(header(5, OLD), config(OLD))])
def test_a_target_that_is_not_ahead_is_refused(target: Block) -> None:
    refuses(Reason.BACKWARD, proof_to(PLAIN, ordinary([], 0)), target)


def test_a_lag_that_jumps_back_behind_what_is_proven_is_refused() -> None:
    trusted = TrustedBlock(PLAIN.id, KEY.id, 1)
    before = master_block(header(14, OLD, prev_key=10), config(OLD))
    refuses(Reason.BACKWARD, block_proof(KEY.id, before.id, signed_step(OLD, KEY, before)), before, trusted)
    again = verify_block_proof(trusted, PLAIN.id, block_proof(KEY.id, PLAIN.id, signed_step(OLD, KEY, PLAIN)))
    assert again.blocks[-1].block == trusted.block


def test_a_step_backward_dressed_as_forward_is_refused() -> None:
    before = master_block(header(5, OLD, prev_key=10), config(OLD))
    answer = block_proof(KEY.id, PLAIN.id, signed_step(OLD, KEY, before), complete=False)
    refuses(Reason.BACKWARD, answer)


def test_a_chain_that_ends_elsewhere_than_it_says_is_refused() -> None:
    honest = signed_step(OLD, KEY, PLAIN)
    refuses(Reason.OTHER_QUESTION, block_proof(KEY.id, PLAIN.id, honest), LAST)
    refuses(Reason.BROKEN_CHAIN, block_proof(KEY.id, LAST.id, honest), LAST)
    refuses(Reason.BROKEN_CHAIN, block_proof(KEY.id, PLAIN.id, honest, complete=False), LAST)
    after = signed_step(OLD, KEY, NEXT_KEY)
    refuses(Reason.BROKEN_CHAIN, block_proof(KEY.id, PLAIN.id, after), PLAIN)


def test_an_incomplete_proof_leads_to_a_key_block_to_go_on_from() -> None:
    answer = block_proof(KEY.id, NEXT_KEY.id, signed_step(OLD, KEY, NEXT_KEY), complete=False)
    proven = verify_block_proof(TRUSTED, LAST.id, answer)
    assert not proven.complete
    rest = block_proof(NEXT_KEY.id, LAST.id, signed_step(NEW, NEXT_KEY, LAST))
    assert verify_block_proof(proven.blocks[-1], LAST.id, rest).complete


def test_a_link_that_skips_a_key_block_is_refused() -> None:
    end = master_block(header(30, OLD, prev_key=20), config(OLD))
    refuses(Reason.VALIDATORS, block_proof(KEY.id, end.id, signed_step(OLD, KEY, end)), end)


def test_the_zero_state_can_be_the_start() -> None:
    zero = zero_state(OLD)
    first = master_block(header(1, OLD, key=True, prev_key=0), config(OLD))
    answer = block_proof(zero.id, first.id, signed_step(OLD, zero, first))
    assert verify_block_proof(start_from(zero.id), first.id, answer).complete
    forged = signed_step(THIEVES, zero, first, config_proof=config_proof(zero_state(THIEVES)))
    answer = block_proof(zero.id, first.id, forged)
    refuses(Reason.UNPROVEN, answer, first, start_from(zero.id))


@pytest.mark.parametrize("hidden", ["validators", "config", "extra"])
def test_a_config_that_is_pruned_away_proves_nothing(hidden: str) -> None:
    root = KEY.root
    extra, conf = root.refs[3], root.refs[3].refs[3].refs[1]
    cut = {"extra": extra, "config": conf, "validators": conf.refs[1]}[hidden]
    proof = write_boc(merkle_proof(root, tree_hashes(root) - {cut.hash}))
    refuses(Reason.MALFORMED, proof_to(PLAIN, ordinary(OLD.sign(PLAIN.id), OLD.set_hash()), config_proof=proof))


@pytest.mark.parametrize("cut", [1, 40, 200, 1000])
def test_cut_and_prolonged_answers_are_refused(cut: int) -> None:
    answer = proof_to(PLAIN, ordinary(OLD.sign(PLAIN.id), OLD.set_hash()))
    refuses(Reason.MALFORMED, answer[:-cut])
    refuses(Reason.MALFORMED, answer + bytes(4 * cut))


def test_an_unknown_kind_of_step_is_refused() -> None:
    honest = signed_step(OLD, KEY, PLAIN)
    refuses(Reason.MALFORMED, block_proof(KEY.id, PLAIN.id, b"\1\2\3\4" + honest[4:]))


def test_a_destination_that_does_not_show_its_previous_block_is_refused() -> None:
    info = PLAIN.root.refs[0]
    shown = merkle_proof(PLAIN.root, {PLAIN.root.hash, info.hash})
    signatures = ordinary(OLD.sign(PLAIN.id), OLD.set_hash())
    refuses(Reason.HEADER, proof_to(PLAIN, signatures, dest_proof=write_boc(shown)))


def test_two_proofs_where_one_is_needed_are_refused() -> None:
    signatures = ordinary(OLD.sign(PLAIN.id), OLD.set_hash())
    twice = write_boc([PLAIN.header_proof, PLAIN.header_proof])
    refuses(Reason.MALFORMED, proof_to(PLAIN, signatures, dest_proof=twice))


def test_a_start_outside_the_masterchain_is_refused() -> None:
    with pytest.raises(Refused):
        start_from(replace(KEY.id, workchain=0))
    with pytest.raises(Refused):
        start_from(replace(KEY.id, shard=1 << 62))


def test_a_target_outside_the_masterchain_is_refused() -> None:
    answer = block_proof(KEY.id, replace(PLAIN.id, workchain=0), signed_step(OLD, KEY, PLAIN))
    refuses(Reason.BACKWARD, answer, replace(PLAIN.id, workchain=0))


def test_more_steps_or_signatures_than_a_node_sends_are_refused_before_they_are_read() -> None:
    head = block_proof(KEY.id, PLAIN.id)[:-4]
    refuses(Reason.TOO_LARGE, head + struct.pack("<I", 17))
    crowd = bytes.fromhex("e6a644f6") + struct.pack("<III", 0, 0, 1 << 31)
    refuses(Reason.TOO_LARGE, proof_to(PLAIN, crowd))


def test_a_proof_inside_a_proof_is_no_proof() -> None:
    inner = pruned_branch(KEY.root)
    refuses(Reason.MALFORMED, proof_to(PLAIN, ordinary([], 0), dest_proof=write_boc(inner)))
    refuses(Reason.MALFORMED, proof_to(PLAIN, ordinary([], 0), dest_proof=write_boc(Builder().end())))
    refuses(Reason.MALFORMED, proof_to(PLAIN, ordinary([], 0), dest_proof=FALSE))
