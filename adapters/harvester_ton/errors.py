"""Everything that can go wrong with a lite server, as one family.

LiteServerError(ChainUnavailable)
├── NodeRefused   the node answered that it will not or cannot do this: its connection is fine
└── NodeUnwell    no answer, a dropped connection, or an answer that is nonsense: the node is put aside for a while
"""

from typing import Final

from harvester.domain.errors import ChainUnavailable

NOT_READY_CODES: Final = frozenset({651, 652})
"""What a node says while it does not have the block yet: unknown or not applied (651), waited in vain (652)."""
MAX_NODE_TEXT: Final = 200


class LiteServerError(ChainUnavailable):
    """A lite server gave no usable answer."""


class NodeRefused(LiteServerError):
    """The lite server refused the request."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"refused with code {code}: {message[:MAX_NODE_TEXT]!r}")
        self.code = code


class NodeUnwell(LiteServerError):
    """The lite server does not answer, or answers nonsense."""
