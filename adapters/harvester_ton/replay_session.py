"""A recorded session as a file holds it: `config` (a TON network config) and `log`, a list of exchanges.

An exchange has `n` (counted up by one), `name`, `request_hex` (the TL function inside `liteServer.query`; with
`waitMasterchainSeqno` before it, or not) and `response_hex` (the TL answer). Anything may be wrong with any of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from harvester_ton import tl
from harvester_ton.verification import Reason, Refused

_WAIT_BYTES: Final = 12
_MAX_NAME: Final = 100
_MAX_NUMBER: Final = 1 << 53
_PREFIX: Final = "liteServer."


class Question(Enum):
    """What a lite server is asked. The value is how the function is named."""

    ANNOUNCEMENT = "getMasterchainInfo"
    BLOCK_PROOF = "getBlockProof"
    ACCOUNT_STATE = "getAccountState"
    HISTORY = "getTransactions"
    ALL_SHARDS = "getAllShardsInfo"
    CONFIG = "getConfigParams"
    WHOLE_CONFIG = "getConfigAll"
    LIBRARIES = "getLibraries"
    EXTENDED_ANNOUNCEMENT = "getMasterchainInfoExt"
    TIME = "getTime"
    VERSION = "getVersion"
    BLOCK = "getBlock"
    STATE = "getState"
    HEADER = "getBlockHeader"
    LOOKUP = "lookupBlock"
    SHARD = "getShardInfo"
    SHARD_BLOCK_PROOF = "getShardBlockProof"
    METHOD = "runSmcMethod"
    ONE_TRANSACTION = "getOneTransaction"
    MESSAGE = "sendMessage"


_CONSTRUCTORS: Final[Mapping[bytes, Question]] = {
    tl.GET_MASTERCHAIN_INFO: Question.ANNOUNCEMENT,
    tl.GET_BLOCK_PROOF: Question.BLOCK_PROOF,
    tl.GET_ACCOUNT_STATE: Question.ACCOUNT_STATE,
    tl.GET_TRANSACTIONS: Question.HISTORY,
    bytes.fromhex("6bfdd374"): Question.ALL_SHARDS,
    bytes.fromhex("191c112a"): Question.CONFIG,
    tl.GET_CONFIG_ALL: Question.WHOLE_CONFIG,
    tl.GET_LIBRARIES: Question.LIBRARIES,
    bytes.fromhex("df71a670"): Question.EXTENDED_ANNOUNCEMENT,
    bytes.fromhex("345aad16"): Question.TIME,
    bytes.fromhex("0b942b23"): Question.VERSION,
    bytes.fromhex("0dcf7763"): Question.BLOCK,
    bytes.fromhex("b62e6eba"): Question.STATE,
    bytes.fromhex("9e06ec21"): Question.HEADER,
    bytes.fromhex("1ef7c8fa"): Question.LOOKUP,
    bytes.fromhex("25f4a246"): Question.SHARD,
    bytes.fromhex("5003a64c"): Question.SHARD_BLOCK_PROOF,
    tl.RUN_SMC_METHOD: Question.METHOD,
    bytes.fromhex("ea240fd4"): Question.ONE_TRANSACTION,
    bytes.fromhex("82d40a69"): Question.MESSAGE,
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its answer."""

    number: int
    name: str | None
    question: Question
    arguments: bytes
    """What follows the function's constructor."""
    answer: bytes


def read_exchange(entry: Any) -> Exchange:
    """Read an entry of `log`; Refused says what is wrong with it."""
    number, name = entry_label(entry)
    if number is None:
        raise Refused(Reason.MALFORMED, "an exchange without a number `n`")
    request, answer = _bytes(entry, "request_hex"), _bytes(entry, "response_hex")
    if request.startswith(tl.WAIT_MASTERCHAIN_SEQNO):
        request = request[_WAIT_BYTES:]
    question = _CONSTRUCTORS.get(request[:4])
    if question is None:
        raise Refused(Reason.MALFORMED, f"an unknown question, {request[:4].hex() or 'none'}")
    said = (name or "").removeprefix(_PREFIX)
    if said in (known.value for known in Question) and said != question.value:
        raise Refused(Reason.MALFORMED, f"the question is {question.value}, and is called {said}")
    return Exchange(number, name, question, request[4:], answer)


def entry_label(entry: Any) -> tuple[int | None, str | None]:
    """Return number and name of an entry, as far as it has usable ones."""
    if not isinstance(entry, dict):
        return None, None
    number, name = entry.get("n"), entry.get("name")
    is_number = isinstance(number, int) and not isinstance(number, bool) and 0 <= number < _MAX_NUMBER
    return number if is_number else None, name[:_MAX_NAME] if isinstance(name, str) else None


def _bytes(entry: dict[str, Any], key: str) -> bytes:
    try:
        return bytes.fromhex(entry[key])
    except (KeyError, TypeError, ValueError):
        raise Refused(Reason.MALFORMED, f"{key} is missing or not hex digits") from None
