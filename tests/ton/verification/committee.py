"""Validators of a network of our own, and its config."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from nacl.signing import SigningKey

from harvester_ton.devnet.cells import Builder, Cell
from harvester_ton.devnet.hashmap_aug import HashMap
from harvester_ton.tl import BlockId
from harvester_ton.verification.validators import Validator, validator_set_hash

NOW: Final = 1_795_300_000
CATCHAIN: Final = 7


@dataclass(frozen=True)
class Committee:
    """Validators with their keys, in the order of the config."""

    name: str
    weights: tuple[int, ...] = (1, 1, 1)

    def key(self, index: int) -> SigningKey:
        """The signing key of one of them."""
        return SigningKey(sha256(f"{self.name} {index}".encode()).digest())

    def members(self) -> tuple[Validator, ...]:
        """Them as the verifier sees them."""
        keys = [bytes(self.key(index).verify_key) for index in range(len(self.weights))]
        return tuple(Validator(key, weight, bytes(32)) for key, weight in zip(keys, self.weights, strict=True))

    def set_hash(self) -> int:
        """How block headers name the set."""
        return validator_set_hash(self.members(), CATCHAIN)

    def param(self, main: int | None = None) -> Cell:
        """`validators_ext#12`."""
        entries = HashMap(16)
        for index, member in enumerate(self.members()):
            entry = Builder().uint(0x53, 8).uint(0x8E81278A, 32).raw(member.public_key).uint(member.weight, 64)
            entries = entries.set(index, entry)
        total = len(self.weights)
        builder = Builder().uint(0x12, 8).uint(0, 32).uint(NOW * 2, 32).uint(total, 16).uint(main or total, 16)
        return entries.store_e(builder.uint(sum(self.weights), 64)).end()

    def sign(self, block: BlockId, *signers: int) -> list[tuple[bytes, bytes]]:
        """Ordinary signatures, of all or of the given ones."""
        return self.sign_bytes(bytes.fromhex("706e0bc5") + block.root_hash + block.file_hash, *signers)

    def sign_bytes(self, message: bytes, *signers: int) -> list[tuple[bytes, bytes]]:
        """Signatures of anything."""
        chosen = signers or range(len(self.weights))
        return [(self.members()[index].node_id, self.key(index).sign(message).signature) for index in chosen]


def config(committee: Committee, params: dict[int, Cell] | None = None) -> Cell:
    """A config with a validator set, and whatever else is given."""
    catchain = Builder().uint(0xC2, 8).uint(0, 8).uint(1, 32).uint(1, 32).uint(1, 32).uint(1, 32).end()
    entries = HashMap(32)
    for number, value in ({28: catchain, 34: committee.param()} | (params or {})).items():
        entries = entries.set(number, Builder().ref(value))
    return some(entries.root)


def some(cell: Cell | None) -> Cell:
    """The cell, which is there."""
    if cell is None:
        raise AssertionError("an empty dictionary")
    return cell
