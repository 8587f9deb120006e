"""Who signs masterchain blocks: the validator set of a config, as the reference implementation computes it."""

import struct
from dataclasses import dataclass
from hashlib import sha256, sha512
from typing import Final

from harvester_ton.boc import crc32c
from harvester_ton.cells import Cell
from harvester_ton.slices import Slice
from harvester_ton.verification.blocks import MASTERCHAIN, WHOLE
from harvester_ton.verification.lookup import find
from harvester_ton.verification.refusal import Reason, Refused

MAX_VALIDATORS: Final = 1000
"""In the masterchain; the main network has 100."""

_CURRENT_TEMPORARY, _CURRENT, _CATCHAIN = 35, 34, 28
_KEY_ID_PREFIX: Final = bytes.fromhex("c6b41348")
_SET_HASH_MAGIC: Final = -1877581587


@dataclass(frozen=True, slots=True)
class Validator:
    """One member of a validator set."""

    public_key: bytes
    """Ed25519, 32 bytes."""
    weight: int
    adnl_address: bytes
    """32 bytes, zeros where the config names none."""

    @property
    def node_id(self) -> bytes:
        """The short id by which signatures name it: SHA-256 of the TL form of its key (`pub.ed25519`)."""
        return sha256(_KEY_ID_PREFIX + self.public_key).digest()


def config_param(config: Cell, number: int) -> Cell | None:
    """Return a parameter of a config (`Hashmap 32 ^Cell`); None if it is proven absent."""
    leaf = find(config, number & 0xFFFFFFFF, 32)
    return leaf.ref() if leaf else None


def masterchain_validators(config: Cell, catchain_seqno: int) -> tuple[Validator, ...]:
    """Return the validators that sign the masterchain under `config`, in their order for this catchain seqno.

    Rule: the first `main` of the current set (parameter 35, else 34), shuffled by catchain seqno if parameter 28 says
    so. Source: `Config::unpack` and `Config::do_compute_validator_set` in crypto/block/mc-config.cpp.
    """
    current = config_param(config, _CURRENT_TEMPORARY) or config_param(config, _CURRENT)
    if current is None:
        raise Refused(Reason.VALIDATORS, "config: no validator set in it")
    members = _read_set(Slice(current))
    return _shuffled(members, catchain_seqno) if _is_shuffled(config_param(config, _CATCHAIN)) else members


def _read_set(data: Slice) -> tuple[Validator, ...]:
    """Read `validators_ext#12`, the form that networks use, as far as the masterchain goes."""
    tag = data.uint(8)
    data.uint(32 + 32)  # since, until
    total, main = data.uint(16), data.uint(16)
    if tag != 0x12 or not 1 <= main <= total or main > MAX_VALIDATORS:
        raise Refused(Reason.VALIDATORS, f"config: a validator set with {main} of {total} members")
    data.uint(64)
    root = data.maybe_ref()
    return tuple(_read_member(find(root, index, 16), index) for index in range(main))


def _read_member(data: Slice | None, index: int) -> Validator:
    """Read `validator#53` or `validator_addr#73`."""
    tag, key_tag = (data.uint(8), data.uint(32)) if data else (0, 0)
    if data is None or tag not in (0x53, 0x73) or key_tag != 0x8E81278A:
        raise Refused(Reason.VALIDATORS, f"config: validator {index} is missing or has no Ed25519 key")
    key, weight = data.bytes_(32), data.uint(64)
    return Validator(key, weight, data.bytes_(32) if tag == 0x73 else bytes(32))


def _is_shuffled(catchain_config: Cell | None) -> bool:
    """Read `catchain_config_new#c2`: its flag `shuffle_mc_validators`; an older or no config has none."""
    if catchain_config is None:
        return False
    data = Slice(catchain_config)
    return data.uint(8) == 0xC2 and data.uint(8) & 1 == 1


def _shuffled(members: tuple[Validator, ...], catchain_seqno: int) -> tuple[Validator, ...]:
    order: list[int] = []
    for index, number in enumerate(_random_numbers(len(members), catchain_seqno)):
        other = number * (index + 1) >> 64
        order.append(index)
        order[index], order[other] = order[other], index
    return tuple(members[index] for index in order)


def _random_numbers(count: int, catchain_seqno: int) -> list[int]:
    """`ValidatorSetPRNG` with a zero seed: SHA-512 of seed, shard, workchain and catchain seqno, eight numbers each."""
    tail = struct.pack(">QiI", WHOLE, MASTERCHAIN, catchain_seqno)
    hashes = (sha512(seed.to_bytes(32) + tail).digest() for seed in range(-(-count // 8)))
    return [number for digest in hashes for number in struct.unpack(">8Q", digest)][:count]


def validator_set_hash(members: tuple[Validator, ...], catchain_seqno: int) -> int:
    """Return the short hash by which block headers name a set (`compute_validator_set_hash`)."""
    head = struct.pack("<iII", _SET_HASH_MAGIC, catchain_seqno, len(members))
    listed = (member.public_key + struct.pack("<Q", member.weight) + member.adnl_address for member in members)
    return crc32c(head + b"".join(listed))
