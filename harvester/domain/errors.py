"""Errors of the harvester: one tree; a docstring is the sentence a person reads.

HarvesterError
├── InvalidInput            the caller's mistake; says what is allowed; nothing was changed
│   └── ConfigurationError  a setting; names the variable
├── Forbidden               the caller may not do this; names what it would need
├── NotFound
├── TransitionRefused       a pair of state and event that the lifecycle does not have
├── OrderExists             there is an invoice for this order already; names it
├── ActRefused              what somebody wants to make of a payment does not fit what has become of it
├── NotEnabled              the operator has not set what this needs
├── NoRate                  a price cannot be converted now
├── BadgeRefused            who reports a payment may not, or not again: nothing was changed
├── Unavailable             a node, an endpoint or the database is unwell: try again later
│   └── ChainUnavailable
├── CursorConflict          somebody else moved this account's cursor: read it again
├── LeaseLost               another process does this work now, or may: stop
└── InvariantBroken         must never happen: ends the process with a non-zero status
"""

from uuid import UUID


class HarvesterError(Exception):
    """Base of all errors that the harvester raises on purpose."""


class InvalidInput(HarvesterError):
    """The input is not allowed; the message says what is."""


class ConfigurationError(InvalidInput):
    """A setting is missing or wrong; the message names the variable and what is allowed."""


class Forbidden(HarvesterError):
    """The caller may not do this; nothing was changed."""


class NotFound(HarvesterError):
    """There is no such thing."""


class TransitionRefused(HarvesterError):
    """The invoice's state does not allow this."""


class OrderExists(HarvesterError):
    """There is an invoice for this order already; nothing was stored."""

    def __init__(self, invoice_id: UUID) -> None:
        super().__init__(f"invoice {invoice_id} has this order_id already: an order has one invoice")
        self.invoice_id = invoice_id


class ActRefused(HarvesterError):
    """What has become of the payment, or the invoice, does not allow this; nothing was changed."""


class NotEnabled(HarvesterError):
    """The operator has not set what this needs."""


class NoRate(HarvesterError):
    """No rate is valid at which the price could be converted; nothing was changed."""


class BadgeRefused(HarvesterError):
    """The wallet may not report this: it is unknown, elsewhere, or its nonce was used; nothing was changed."""


class Unavailable(HarvesterError):
    """Something outside does not answer properly; trying again later may help."""


class ChainUnavailable(Unavailable):
    """No node of the chain gives a usable answer."""


class CursorConflict(HarvesterError):
    """The account's cursor is not where the batch starts; nothing was recorded."""


class LeaseLost(HarvesterError):
    """This process may not do this work any more; nothing was written."""


class InvariantBroken(HarvesterError):
    """A promise of the program itself does not hold; continuing could cost money."""
