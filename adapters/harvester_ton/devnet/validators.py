"""The validators of the local chain: keys, their place in the config, and their signatures.

Signed bytes and node ids: `706e0bc5 ‖ root_hash ‖ file_hash` and SHA-256(`c6b41348 ‖ key`), as full nodes up to 2025.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from nacl.signing import SigningKey

from harvester_ton.devnet.blocks import BlockId
from harvester_ton.devnet.cells import Builder, Cell
from harvester_ton.devnet.hashmap_aug import HashMap, read_hashmap

_KEY_TAG = bytes.fromhex("c6b41348")
_BLOCK_TAG = bytes.fromhex("706e0bc5")
_LIFETIME_SECS = 10 * 365 * 86400


def node_id_short(public_key: bytes) -> bytes:
    """The name of a signer in a signature set."""
    return hashlib.sha256(_KEY_TAG + public_key).digest()


@dataclass(frozen=True)
class ValidatorSet:
    """Keys with equal weights, in the order of the config."""

    keys: tuple[SigningKey, ...]
    catchain_seqno: int = 1
    weight: int = 1 << 32

    @classmethod
    def derive(cls, seed: bytes, count: int, catchain_seqno: int = 1) -> ValidatorSet:
        """Keys that follow from `seed`, so that a chain can be made again."""
        make = hashlib.sha256
        number = catchain_seqno.to_bytes(4, "big")
        return cls(tuple(SigningKey(make(seed + number + bytes((i,))).digest()) for i in range(count)), catchain_seqno)

    @property
    def list_hash_short(self) -> int:
        """`gen_validator_list_hash_short`: here the start of a SHA-256, which only has to name the set."""
        joined = b"".join(bytes(key.verify_key) for key in self.keys)
        return int.from_bytes(hashlib.sha256(joined + self.catchain_seqno.to_bytes(4, "little")).digest()[:4], "big")

    def sign(self, block: BlockId) -> list[tuple[bytes, bytes]]:
        """(node id, signature) of every validator over a block."""
        message = _BLOCK_TAG + block.root_hash + block.file_hash
        return [(node_id_short(bytes(key.verify_key)), key.sign(message).signature) for key in self.keys]

    def config_param(self, utime_since: int) -> Cell:
        """`validators_ext#12` for config parameter 34."""
        members = HashMap(16)
        for index, key in enumerate(self.keys):
            member = Builder().uint(0x73, 8).uint(0x8E81278A, 32).raw(bytes(key.verify_key))
            members = members.set(index, member.uint(self.weight, 64).raw(node_id_short(bytes(key.verify_key))))
        total = len(self.keys)
        builder = Builder().uint(0x12, 8).uint(utime_since, 32).uint(utime_since + _LIFETIME_SECS, 32)
        builder.uint(total, 16).uint(total, 16).uint(total * self.weight, 64)
        return members.store_e(builder).end()


def with_validators(config: Cell, validators: ValidatorSet, utime_since: int) -> Cell:
    """A network config (`Hashmap 32 ^Cell`) in which parameter 34 is this set and no other parameter changes."""
    params = HashMap(32)
    for number, value in read_hashmap(config, 32).items():
        params = params.set(number, Builder().ref(value.ref()))
    # Without shuffling (parameter 28) the masterchain set is the list itself, which every client computes alike.
    params = params.set(28, Builder().ref(_catchain_config())).set(
        34, Builder().ref(validators.config_param(utime_since))
    )
    if params.root is None:
        raise AssertionError("a dictionary with a key has a root")
    return params.root


def _catchain_config() -> Cell:
    builder = Builder().uint(0xC2, 8).uint(0, 8)
    for value in (250, 250, 1000, 23):
        builder.uint(value, 32)
    return builder.end()
