"""What the page has to say of an invoice at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from math import ceil
from typing import Final

from harvester.domain.invoice import Invoice, PaymentRequest
from harvester.domain.lifecycle import OPEN
from harvester.domain.money import format_amount
from harvester.services.chains import Chains

_GROUPED_FROM_DIGITS: Final = 5


class Stage(StrEnum):
    """Where an invoice stands for its buyer. Payments are recorded when they are proven: there is no "seen" before."""

    WAITING = "waiting"
    PARTIAL = "partial"
    CLOSING = "closing"
    """Too late to pay, while the chain may still show what was paid in time."""
    PAID = "paid"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


PAYABLE: Final = frozenset({Stage.WAITING, Stage.PARTIAL})
FINAL: Final = frozenset({Stage.PAID, Stage.EXPIRED, Stage.CANCELLED})


@dataclass(frozen=True, slots=True)
class Checkout:
    """An invoice as its buyer needs it."""

    invoice: Invoice
    stage: Stage
    request: PaymentRequest
    """How to pay what is due."""
    remaining_secs: int
    """Until the invoice's life ends; 0 after that."""

    @property
    def headline(self) -> int:
        """The base units that matter most now: what is due, what was paid, or what had been asked for."""
        if self.stage is Stage.PARTIAL:
            return self.invoice.shortfall
        paid = self.invoice.received + self.invoice.credited
        return min(paid, self.invoice.amount) if self.stage is Stage.PAID else self.invoice.amount

    @property
    def connect(self) -> Mapping[str, object] | None:
        """What a wallet connected by TON Connect is asked to send; None: it cannot be asked, or not any more."""
        return self.request.connect if self.stage in PAYABLE else None

    @property
    def version(self) -> str:
        """A text that changes when the page does; the script makes the same of the public invoice."""
        return f"{self.invoice.public_status.value}:{self.invoice.overpayment}"

    def exact(self, amount: int) -> str:
        """Return base units as a decimal number of whole units, as wallets take it."""
        return format_amount(amount, self.invoice.decimals)

    def figure(self, amount: int) -> str:
        """Return base units as a decimal number of whole units, with the digits of large ones in groups."""
        whole, point, fraction = self.exact(amount).partition(".")
        if len(whole) >= _GROUPED_FROM_DIGITS:
            whole = f"{int(whole):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
        return f"{whole}{point}{fraction}"

    def money(self, amount: int) -> str:
        """Return base units for people to read: the figure and the ticker."""
        return f"{self.figure(amount)}\N{NO-BREAK SPACE}{self.invoice.ticker}"


def check_out(invoice: Invoice, chains: Chains, now: datetime) -> Checkout:
    """Return what the page says at `now`. After a part payment, links and codes ask for the rest."""
    stage = stage_of(invoice, now)
    asking = replace(invoice, amount=invoice.shortfall) if stage is Stage.PARTIAL else invoice
    remaining_secs = max(0, ceil((invoice.expires_at - now).total_seconds()))
    return Checkout(invoice, stage, chains.payment_request(asking), remaining_secs)


def stage_of(invoice: Invoice, now: datetime) -> Stage:
    """Return where `invoice` stands at `now`."""
    if invoice.status not in OPEN:
        return Stage(invoice.status.value)
    if now > invoice.expires_at:
        return Stage.CLOSING
    return Stage.PARTIAL if invoice.received else Stage.WAITING
