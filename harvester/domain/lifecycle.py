"""The state machine of an invoice. This table is the only place that knows it.

    unclaimed ──claim──▶ waiting ──settle──▶ paid
        │                   ├──────cancel──▶ cancelled
        └───────────────────┴──────expire──▶ expired
    (unclaimed settles, cancels and expires by the same events)

Rules:
- `paid`, `cancelled` and `expired` are final.
- settle: the invoice's asset, transferred in time (chain time not after `expires_at`), adds up to the amount, or
  to so much of it as the merchant's tolerance for underpayment lets pass.
- cancel: the merchant's word, while the invoice is open and its life has not ended by the host's clock.
- expire: the account that is paid has been scanned past `expires_at`, so that no payment in time can be unseen.
- A pair of state and event that is not in the table raises. The database re-checks every move.
"""

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from harvester.domain.errors import TransitionRefused


class Status(StrEnum):
    """State of an invoice. All but `unclaimed` are public."""

    UNCLAIMED = "unclaimed"
    WAITING = "waiting"
    PAID = "paid"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Trigger(StrEnum):
    """What can happen to an invoice."""

    CLAIM = "claim"
    SETTLE = "settle"
    CANCEL = "cancel"
    EXPIRE = "expire"


TRANSITIONS: Final = MappingProxyType(
    {
        (Status.UNCLAIMED, Trigger.CLAIM): Status.WAITING,
        (Status.UNCLAIMED, Trigger.SETTLE): Status.PAID,
        (Status.UNCLAIMED, Trigger.CANCEL): Status.CANCELLED,
        (Status.UNCLAIMED, Trigger.EXPIRE): Status.EXPIRED,
        (Status.WAITING, Trigger.SETTLE): Status.PAID,
        (Status.WAITING, Trigger.CANCEL): Status.CANCELLED,
        (Status.WAITING, Trigger.EXPIRE): Status.EXPIRED,
    }
)

OPEN: Final = frozenset(status for status, _ in TRANSITIONS)
"""States that something can still happen to."""


def transition(status: Status, trigger: Trigger) -> Status:
    """Return the state that `trigger` leads to from `status`.

    Raises:
        TransitionRefused: the pair is not in the table.
    """
    try:
        return TRANSITIONS[status, trigger]
    except KeyError:
        raise TransitionRefused(f"an invoice that is {status} cannot {trigger}") from None
