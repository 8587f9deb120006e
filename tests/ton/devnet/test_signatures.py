"""Signatures and set hashes of the local chain, against what real validators made."""

from __future__ import annotations

import pytest
from nacl.signing import SigningKey, VerifyKey

from harvester_ton.devnet.block_proofs import partial_proof
from harvester_ton.devnet.local import LocalTon
from harvester_ton.devnet.signatures import SignatureForm, ordinary_message, signature_set, simplex_message
from harvester_ton.devnet.tl import TlReader
from harvester_ton.devnet.validators import ValidatorSet, node_id_short

# One block of a private network of release v2026.06: the only validator's key and weight, its signature, and
# what was signed; the hash of its validator set as the block's header carries it.
KEY = bytes.fromhex("cdb1178a1167f6259e4eae959461745908b588378219da6ba8513eea96963482")
SIGNATURE = bytes.fromhex(
    "037cbb8d3c378f7afefc860bc033ba17734565e77624196752d9a4eb6172c39c"
    "45fedbfde2d050c80f187be10ca7185f5e1570d1b9a34e19e37ebdfb05412f01"
)
SESSION = bytes.fromhex("81ffaf6d6910c0f1fcb7a62c11061462a9987bc79f9b723c048f3c5fb5a64d85")
SLOT = 182
CANDIDATE = bytes.fromhex(
    "dcbcf9e8ffffffff0000000000000080130100002dc7572d82fe92544100ae6213ed5e9a4ce06e1236a3c9564dd931ad01d4d76c"
    "99bd4d0a72fa1f62367b846bf15031c8094d6601c4cb0fec609e6654e5249a54915d97d9100334859af09474b2cca39e0b7f58ae"
    "86a4ede8db4368cafa424f6ef19a4b1a3fcd91b6b50000003e7858ff901a308b02f252108aaf501469feaf9c6ffadd1da685d9c3"
    "ee821e5a"
)
SET_HASH = 0x97C5B4BC


def test_the_simplex_message_is_what_a_real_validator_signed() -> None:
    VerifyKey(KEY).verify(simplex_message(SESSION, SLOT, CANDIDATE), SIGNATURE)


def test_the_hash_of_a_set_is_the_one_real_blocks_carry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harvester_ton.devnet.validators._public", lambda _: KEY)
    monkeypatch.setattr("harvester_ton.devnet.validators.node_id_short", lambda _: bytes(32))
    assert ValidatorSet((SigningKey.generate(),), catchain_seqno=1, weight=17).list_hash_short == SET_HASH


@pytest.mark.parametrize("form", ["ordinary", "simplex"])
async def test_every_validator_signs_the_block_that_is_proven(form: str) -> None:
    async with LocalTon(signatures=form) as ton:
        start, end = ton.chain.heights[1], ton.chain.head
        reader = TlReader(signature_set(SignatureForm(form), start.validators, end.master.id)[4:])
    numbers = {reader.uint32(), reader.uint32()}
    signed = [(reader.raw(32), reader.blob()) for _ in range(reader.uint32())]
    message = ordinary_message(end.master.id)
    if form == "simplex":
        session, slot, candidate = reader.raw(32), reader.int32(), reader.blob()
        message = simplex_message(session, slot, candidate)
        assert end.master.id.tl() in candidate
    assert numbers == {start.validators.list_hash_short, start.validators.catchain_seqno}
    keys = {node_id_short(bytes(key.verify_key)): key.verify_key for key in start.validators.keys}
    assert {node for node, _ in signed} == set(keys)
    for node, signature in signed:
        keys[node].verify(message, signature)


async def test_the_signature_form_reaches_the_lite_server() -> None:
    async with LocalTon(signatures="simplex") as ton:
        known, target = ton.chain.heights[1], ton.chain.head
        answer = partial_proof(ton.chain.heights, known, target, ton.chain.signatures)
    assert signature_set(SignatureForm.SIMPLEX, known.validators, target.master.id) in answer
