"""The desk on PostgreSQL: what plug-ins with routes of their own may do. Every method is one transaction."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Protocol, TypeVar
from uuid import UUID

from uuid_utils.compat import uuid7

from harvester.chain import Account, Clock
from harvester.chain.desk import Badge, Lives, OrderDraft, Placed, Reported, Wallet
from harvester.domain.errors import ActRefused, InvalidInput, NotFound
from harvester.domain.events import EventType
from harvester.domain.identifiers import merchant_text
from harvester.domain.invoice import Invoice
from harvester.domain.lifecycle import Status
from harvester.domain.money import Currency, Price
from harvester.domain.payment import Payment, PaymentClass, Standing, Transfer
from harvester.metrics import Metrics
from harvester.services.chains import Chains
from harvester.services.payment_events import confirmed_event, recorded_events
from harvester.services.settling import Market, Settling, credit_transfer, tie
from harvester.storage import invoices, links, orders, payments, wallets
from harvester.storage.credit import AccountKind, Owner
from harvester.storage.database import Connection, Database
from harvester.storage.signals import Signals

MAX_NOTE: Final = 5_000
_Outcome = TypeVar("_Outcome")
_Work = Callable[[Settling], Awaitable[_Outcome]]
