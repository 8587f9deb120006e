"""The one way in which a proof fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from harvester.domain.errors import HarvesterError
from harvester_ton.cells import CellError


class Reason(StrEnum):
    """Why an answer is not believed: a closed set, fit for a metric label."""

    MALFORMED = "malformed"
    """The bytes are not what the protocol puts there: cut, too long, or of another type."""
    TOO_LARGE = "too_large"
    """More bytes, cells or entries than are read in one answer; ask for less at once."""
    OTHER_QUESTION = "other_question"
    """The answer is about another block, account or shard than was asked for."""
    UNPROVEN = "unproven"
    """A hash is not the one that is proven: another chain, or a forged state."""
    HIDDEN = "hidden"
    """A pruned branch, or another exotic cell, stands where data is expected."""
    HEADER = "header"
    """The proven header of a block contradicts what is said about the block."""
    NO_STEPS = "no_steps"
    """A block proof, or a page of history, without anything in it."""
    BACKWARD = "backward"
    """A block proof that goes back, or a target before what is already proven."""
    BROKEN_CHAIN = "broken_chain"
    """Steps or transactions that do not follow one from the other."""
    NOT_KEY_BLOCK = "not_key_block"
    """A step that starts at a block without a validator set in it."""
    VALIDATORS = "validators"
    """Signed by, or for, another validator set than the one in force for the block."""
    SIGNATURES = "signatures"
    """A false, doubled or foreign signature, or two thirds of the weight not exceeded."""
    UNKNOWN_SIGNATURE_FORM = "unknown_signature_form"
    """A kind of signature set that this version does not know: the network may have moved on."""
    CONTRADICTION = "contradiction"
    """Proven on its own, and yet against what was proven before: a fork, or the wrong start."""


class Refused(HarvesterError):
    """An answer of a lite server is not proven; nothing of it may be used."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn what the cell readers raise while `what` is read into a refusal."""
    try:
        yield
    except CellError as error:
        raise Refused(Reason.MALFORMED, f"{what}: {error}") from error
