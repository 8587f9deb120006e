"""The validators of the local chain: their keys and their place in the config."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from functools import cached_property

from nacl.signing import SigningKey
from pytoniq_core.crypto.crc import crc32c

from harvester_ton.devnet.cells import Builder, Cell
from harvester_ton.devnet.hashmap_aug import HashMap, read_hashmap

_KEY_TAG = bytes.fromhex("c6b41348")
_LIFETIME_SECS = 10 * 365 * 86400


def node_id_short(public_key: bytes) -> bytes:
    """The name of a key: SHA-256 of its TL form."""
    return hashlib.sha256(_KEY_TAG + public_key).digest()


def _public(key: SigningKey) -> bytes:
    return bytes(key.verify_key)


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

    @cached_property
    def list_hash_short(self) -> int:
        """What blocks that this set signs carry as `gen_validator_list_hash_short`."""
        return self._list_hash(self.catchain_seqno)

    @cached_property
    def state_hash_short(self) -> int:
        """What the masterchain state carries for the same set: there without a catchain seqno."""
        return self._list_hash(0)

    def _list_hash(self, catchain_seqno: int) -> int:
        """CRC-32C over `test0.validatorSet`, as the reference implementation makes it."""
        parts = [struct.pack("<IiI", 0x901660ED, catchain_seqno, len(self.keys))]
        weight = struct.pack("<q", self.weight)
        parts += [key + weight + node_id_short(key) for key in map(_public, self.keys)]
        return int.from_bytes(crc32c(b"".join(parts)), "little")

    def config_param(self, utime_since: int) -> Cell:
        """`validators_ext#12` for config parameter 34."""
        members = HashMap(16)
        for index, key in enumerate(self.keys):
            public = _public(key)
            member = Builder().uint(0x73, 8).uint(0x8E81278A, 32).raw(public).uint(self.weight, 64)
            members = members.set(index, member.raw(node_id_short(public)))
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
