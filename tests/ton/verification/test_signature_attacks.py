"""Block proofs that were not signed by enough of the right validators: the library believes some, ours none."""

import pytest
from pytoniq_core.proof import ProofError

from harvester_ton.verification import Reason, start_from, verify_block_proof
from tests.ton.verification.block_chain import (
    KEY,
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
from tests.ton.verification.committee import CATCHAIN, Committee, config
from tests.ton.verification.forge import header, master_block
from tests.ton.verification.forged_answers import block_proof, ordinary, signed_step, simplex, step


async def test_hole_2_one_validator_counted_often_is_refused_where_the_library_counts() -> None:
    signatures = ordinary(OLD.sign(PLAIN.id, 1, 1, 1), OLD.set_hash())
    answer = proof_to(PLAIN, signatures)
    assert await believed(answer, KEY, PLAIN)
    refuses(Reason.SIGNATURES, answer)


async def test_exactly_two_thirds_is_refused_where_the_library_is_content() -> None:
    answer = proof_to(PLAIN, ordinary(OLD.sign(PLAIN.id, 0, 1), OLD.set_hash()))
    assert await believed(answer, KEY, PLAIN)
    refuses(Reason.SIGNATURES, answer)


@pytest.mark.parametrize(("signers", "enough"), [((0,), False), ((1, 2), False), ((0, 1), True)])
def test_weight_decides_not_the_number_of_signers(signers: tuple[int, ...], enough: bool) -> None:
    heavy = Committee("heavy", (59, 10, 20))
    start = master_block(header(10, heavy, key=True), config(heavy))
    end = master_block(header(15, heavy, prev_key=10), config(heavy))
    answer = proof_to(end, ordinary(heavy.sign(end.id, *signers), heavy.set_hash()), start)
    if enough:
        assert verify_block_proof(start_from(start.id), end.id, answer).complete
    else:
        refuses(Reason.SIGNATURES, answer, end, start_from(start.id))


def test_weights_near_2_to_64_do_not_overflow() -> None:
    huge = Committee("huge", ((1 << 63) - 1, 1, 1, 1))
    start = master_block(header(10, huge, key=True), config(huge))
    end = master_block(header(15, huge, prev_key=10), config(huge))
    answer = proof_to(end, ordinary(huge.sign(end.id, 1, 2, 3), huge.set_hash()), start)
    refuses(Reason.SIGNATURES, answer, end, start_from(start.id))


@pytest.mark.parametrize("extra", [0, 2])
def test_a_signer_from_outside_is_refused_even_beside_a_full_committee(extra: int) -> None:
    signed = OLD.sign(PLAIN.id) + THIEVES.sign(PLAIN.id, extra)
    refuses(Reason.SIGNATURES, proof_to(PLAIN, ordinary(signed, OLD.set_hash())))


def test_a_false_signature_is_refused_even_if_the_others_would_do() -> None:
    committee = Committee("four", (1, 1, 1, 1))
    start = master_block(header(10, committee, key=True), config(committee))
    end = master_block(header(15, committee, prev_key=10), config(committee))
    signed = committee.sign(end.id)
    signed[3] = (signed[3][0], bytes(64))
    answer = proof_to(end, ordinary(signed, committee.set_hash()), start)
    refuses(Reason.SIGNATURES, answer, end, start_from(start.id))
    signed[3] = (signed[3][0], signed[2][1][:-1])
    answer = proof_to(end, ordinary(signed, committee.set_hash()), start)
    refuses(Reason.SIGNATURES, answer, end, start_from(start.id))


def test_without_signatures_nothing_is_proven() -> None:
    refuses(Reason.SIGNATURES, proof_to(PLAIN, ordinary([], OLD.set_hash())))


def test_a_committee_that_is_one_key_block_stale_is_refused() -> None:
    by_old = master_block(header(30, OLD, prev_key=20), config(OLD))
    stale = ordinary(OLD.sign(by_old.id), OLD.set_hash())
    answer = block_proof(KEY.id, by_old.id, signed_step(OLD, KEY, NEXT_KEY), step(NEXT_KEY, by_old, stale))
    refuses(Reason.VALIDATORS, answer, by_old)
    refuses(Reason.VALIDATORS, block_proof(KEY.id, by_old.id, step(KEY, by_old, stale)), by_old)


def test_a_fork_signed_by_the_wrong_set_is_refused() -> None:
    fork = master_block(header(15, THIEVES, prev_key=10), config(OLD))
    refuses(Reason.VALIDATORS, proof_to(fork, ordinary(THIEVES.sign(fork.id), THIEVES.set_hash())), fork)
    honest_header = ordinary(THIEVES.sign(PLAIN.id), OLD.set_hash())
    refuses(Reason.SIGNATURES, proof_to(PLAIN, honest_header))


@pytest.mark.parametrize(("set_hash", "catchain"), [(OLD.set_hash() ^ 1, CATCHAIN), (OLD.set_hash(), CATCHAIN + 1)])
def test_a_signature_set_that_names_another_committee_is_refused(set_hash: int, catchain: int) -> None:
    refuses(Reason.VALIDATORS, proof_to(PLAIN, ordinary(OLD.sign(PLAIN.id), set_hash, catchain)))


def test_simplex_signatures_are_believed_for_the_block_they_name_only() -> None:
    answer = proof_to(PLAIN, simplex(OLD, PLAIN.id))
    assert verify_block_proof(TRUSTED, PLAIN.id, answer).complete
    refuses(Reason.SIGNATURES, proof_to(PLAIN, simplex(OLD, PLAIN.id, NEXT_KEY.id)))
    refuses(Reason.SIGNATURES, proof_to(PLAIN, simplex(OLD, PLAIN.id, None, 0, 1)))


async def test_the_library_cannot_follow_simplex() -> None:
    with pytest.raises(ProofError, match="invalid signature"):
        await believed(proof_to(PLAIN, simplex(OLD, PLAIN.id)), KEY, PLAIN)


def test_an_unknown_form_of_signatures_has_its_own_reason() -> None:
    refuses(Reason.UNKNOWN_SIGNATURE_FORM, proof_to(PLAIN, b"\1\2\3\4" + ordinary([], 0)[4:]))
    signatures = simplex(OLD, PLAIN.id).replace(bytes.fromhex("dcbcf9e8"), bytes(4))
    refuses(Reason.UNKNOWN_SIGNATURE_FORM, proof_to(PLAIN, signatures))


def test_only_the_first_main_validators_sign_the_masterchain() -> None:
    crowd = Committee("crowd", (1, 1, 1, 5))
    three = Committee("crowd", (1, 1, 1))
    start = master_block(header(10, three, key=True), config(three, {34: crowd.param(main=3)}))
    end = master_block(header(15, three, prev_key=10), config(three))
    answer = block_proof(start.id, end.id, signed_step(three, start, end))
    assert verify_block_proof(start_from(start.id), end.id, answer).complete
    outsider = ordinary(crowd.sign(end.id, 1, 2, 3), three.set_hash())
    refuses(Reason.SIGNATURES, proof_to(end, outsider, start), end, start_from(start.id))


def test_a_temporary_validator_set_goes_before_the_elected_one() -> None:
    start = master_block(header(10, NEW, key=True), config(OLD, {35: NEW.param()}))
    end = master_block(header(15, NEW, prev_key=10), config(OLD))
    answer = block_proof(start.id, end.id, signed_step(NEW, start, end))
    assert verify_block_proof(start_from(start.id), end.id, answer).complete
