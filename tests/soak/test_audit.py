"""The audit sees everything that may not be."""

import random
from typing import Any, cast

import pytest

from tests.e2e.backend import Backend, Delivery
from tests.e2e.chain import Chain
from tests.soak.audit import Books, Verdict, audit
from tests.soak.buyers import Buyers, Order, Paid

PAYMENT = {"id": 1, "asset": "ton", "amount": "5", "invoice_id": "one", "class": "exact", "told": 1}
INVOICE = {"id": "one", "status": "paid", "received": "5", "booked": "5"}
CREATED = {"id": "first", "type": "invoice.created", "invoice_id": "one", "sequence": 1}
SETTLED = {"id": "second", "type": "invoice.paid", "invoice_id": "one", "sequence": 2}
HEARD = [("first", "waiting"), ("second", "paid"), ("first", "waiting")]


def verdict(
    payments: Any = (PAYMENT,),
    invoices: Any = (INVOICE,),
    events: Any = (CREATED, SETTLED),
    heard: Any = HEARD,
    received: int = 5,
) -> Verdict:
    """Audit a world in which one invoice was paid; each argument replaces a part of it."""
    buyers = Buyers(cast("Chain", None), random.Random(1), orders=[Order("one", "paid", 5)], paid=[Paid("ton", 5)])
    backend = Backend()
    backend.deliveries = [Delivery(event_id, {"id": "one", "status": status}, b"", {}) for event_id, status in heard]
    return audit(1, Books(payments, invoices, events), buyers, {"ton": received}, backend)


def test_a_world_in_order_passes_and_a_repeated_webhook_is_in_order() -> None:
    assert verdict().findings == []


@pytest.mark.parametrize(
    ("kind", "world"),
    [
        ("lost", {"payments": ()}),
        ("lost", {"payments": (PAYMENT | {"told": 0},)}),
        ("lost", {"received": 6}),
        ("lost", {"invoices": (INVOICE | {"received": "4"},)}),
        ("lost", {"invoices": ()}),
        ("lost", {"invoices": (INVOICE | {"status": "waiting"},)}),
        ("doubled", {"payments": (PAYMENT, PAYMENT)}),
        ("doubled", {"payments": (PAYMENT | {"told": 2},)}),
        ("doubled", {"received": 4}),
        ("doubled", {"invoices": (INVOICE | {"received": "10"},)}),
        ("doubled", {"events": (CREATED, SETTLED, SETTLED | {"id": "third", "sequence": 3})}),
        ("doubled", {"heard": [*HEARD, ("third", "paid")]}),
        ("webhooks_missing", {"events": (CREATED,), "heard": HEARD[:1]}),
        ("webhooks_missing", {"heard": HEARD[:1]}),
        ("out_of_order", {"heard": HEARD[1:]}),
    ],
)
def test_what_may_not_be_is_found(kind: str, world: dict[str, Any]) -> None:
    assert verdict(**world).numbers()[kind] > 0
