"""The validator set of a config, in the order that the reference implementation gives it."""

from hashlib import sha512

import pytest

from harvester_ton.boc import parse_boc_root
from harvester_ton.cells import Cell as OurCell
from harvester_ton.devnet.boc import write_boc
from harvester_ton.devnet.cells import Builder, Cell
from harvester_ton.devnet.hashmap_aug import HashMap
from harvester_ton.verification.answers import read_block_proof
from harvester_ton.verification.refusal import Reason, Refused
from harvester_ton.verification.validators import Validator, masterchain_validators, validator_set_hash
from tests.ton.recorded import load
from tests.ton.verification.committee import Committee, config, some
from tests.ton.verification.sessions import SIMPLEX, exchanges


def ours(cell: Cell) -> OurCell:
    """A forged cell as the verifier has it."""
    return parse_boc_root(write_boc(cell))


def catchain(tag: int, flags: int) -> Cell:
    """Parameter 28."""
    return Builder().uint(tag, 8).uint(flags, 8 * (tag == 0xC2)).uint(1, 32).uint(1, 32).uint(1, 32).uint(1, 32).end()


CROWD = Committee("crowd", tuple(range(1, 31)))


def expected_order(count: int, catchain_seqno: int) -> list[int]:
    """The shuffle as `Config::do_compute_validator_set` describes it, written once more, from bytes."""
    stream = b""
    for seed in range(count // 8 + 1):
        data = bytes(31) + bytes([seed]) + b"\x80" + bytes(7) + b"\xff" * 4 + catchain_seqno.to_bytes(4, "big")
        stream += sha512(data).digest()
    order = [0] * count
    for i in range(count):
        j = int.from_bytes(stream[8 * i : 8 * i + 8], "big") * (i + 1) // 2**64
        order[i], order[j] = order[j], i
    return order


@pytest.mark.parametrize("seqno", [0, 1, 7, 2**32 - 1])
def test_the_masterchain_set_is_shuffled_where_the_config_says_so(seqno: int) -> None:
    members = CROWD.members()
    shuffled = masterchain_validators(ours(config(CROWD, {28: catchain(0xC2, 1)})), seqno)
    assert shuffled == tuple(members[index] for index in expected_order(30, seqno))
    assert shuffled != members


@pytest.mark.parametrize("param", [catchain(0xC2, 0), catchain(0xC1, 0)])
def test_without_the_flag_the_set_stands_as_it_is(param: Cell) -> None:
    assert masterchain_validators(ours(config(CROWD, {28: param})), 7) == CROWD.members()


def test_the_hash_of_a_set_depends_on_order_weights_and_catchain_seqno() -> None:
    members = CROWD.members()
    hashes = {
        validator_set_hash(members, 1),
        validator_set_hash(members, 2),
        validator_set_hash(members[::-1], 1),
        validator_set_hash(members[1:], 1),
        validator_set_hash(Committee("crowd", (1,) * 30).members(), 1),
    }
    assert len(hashes) == 5


def test_the_short_id_of_a_real_validator_is_the_one_in_a_real_signature_set() -> None:
    key, weight = load(SIMPLEX)["validators"][0]
    (exchange,) = exchanges("getBlockProof", SIMPLEX)
    (step,) = read_block_proof(exchange.answer).steps
    (signature,) = step.signatures.signatures
    assert Validator(bytes.fromhex(key), weight, bytes(32)).node_id == signature.node_id


def set_cell(tag: int, total: int, main: int) -> Cell:
    """A validator set whose head may lie about its members, of whom there are 30."""
    members = CROWD.param().refs[0]
    return Builder().uint(tag, 8).uint(0, 64).uint(total, 16).uint(main, 16).uint(9, 64).maybe_ref(members).end()


@pytest.mark.parametrize(
    "param",
    [
        set_cell(0x12, 3, 0),
        set_cell(0x12, 3, 4),
        set_cell(0x12, 2000, 1001),
        set_cell(0x11, 3, 3),
        set_cell(0x13, 3, 3),
    ],
)
def test_a_set_that_cannot_be_one_is_refused(param: Cell) -> None:
    with pytest.raises(Refused, match="a validator set with") as refusal:
        masterchain_validators(ours(config(CROWD, {34: param})), 1)
    assert refusal.value.reason is Reason.VALIDATORS


def test_a_set_with_fewer_members_than_it_says_is_refused() -> None:
    assert len(masterchain_validators(ours(config(CROWD, {34: set_cell(0x12, 30, 30)})), 1)) == 30
    with pytest.raises(Refused, match="validator 30 is missing"):
        masterchain_validators(ours(config(CROWD, {34: set_cell(0x12, 31, 31)})), 1)


def test_a_config_without_any_set_is_refused() -> None:
    only_version = HashMap(32).set(8, Builder().ref(Builder().end())).root
    with pytest.raises(Refused) as refusal:
        masterchain_validators(ours(some(only_version)), 1)
    assert refusal.value.reason is Reason.VALIDATORS
