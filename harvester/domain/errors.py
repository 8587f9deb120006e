"""Errors of the harvester: one tree; a docstring is the sentence a person reads.

HarvesterError
├── InvalidInput            the caller's mistake; says what is allowed; nothing was changed
│   └── ConfigurationError  a setting; names the variable
├── NotFound
├── TransitionRefused       a pair of state and event that the lifecycle does not have
├── Unavailable             a node, an endpoint or the database is unwell: try again later
│   └── ChainUnavailable
├── CursorConflict          somebody else moved this account's cursor: read it again
└── InvariantBroken         must never happen: ends the process with a non-zero status
"""


class HarvesterError(Exception):
    """Base of all errors that the harvester raises on purpose."""


class InvalidInput(HarvesterError):
    """The input is not allowed; the message says what is."""


class ConfigurationError(InvalidInput):
    """A setting is missing or wrong; the message names the variable and what is allowed."""


class NotFound(HarvesterError):
    """There is no such thing."""


class TransitionRefused(HarvesterError):
    """The invoice's state does not allow this."""


class Unavailable(HarvesterError):
    """Something outside does not answer properly; trying again later may help."""


class ChainUnavailable(Unavailable):
    """No node of the chain gives a usable answer."""


class CursorConflict(HarvesterError):
    """The account's cursor is not where the batch starts; nothing was recorded."""


class InvariantBroken(HarvesterError):
    """A promise of the program itself does not hold; continuing could cost money."""
