"""Answers to lite API queries, straight from the chain. Every answer and error is what a full node would send."""

from __future__ import annotations

from harvester_ton.devnet.account_queries import ACCOUNT_QUERIES
from harvester_ton.devnet.block_queries import BLOCK_QUERIES
from harvester_ton.devnet.blocks import StateGone
from harvester_ton.devnet.cells import CellError
from harvester_ton.devnet.chain import Chain
from harvester_ton.devnet.lite_view import BAD_REQUEST, LiteError, LiteView, tag
from harvester_ton.devnet.tl import TlError, TlReader, pack_error


class LiteQueries:
    """Answers queries about `chain`."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._handlers = {tag(line): handler for line, handler in {**BLOCK_QUERIES, **ACCOUNT_QUERIES}.items()}

    def answer(self, query: bytes, head: int) -> bytes:
        """The answer, an error answer included; `head` is the newest masterchain seqno to know of."""
        handler = self._handlers.get(query[:4])
        if handler is None:
            return pack_error(BAD_REQUEST, f"unknown query {query[:4].hex()}")
        try:
            return handler(LiteView(self._chain, head), TlReader(query[4:]))
        except LiteError as error:
            return pack_error(error.code, error.message)
        except (TlError, CellError, StateGone, ValueError) as error:
            return pack_error(BAD_REQUEST, str(error))
