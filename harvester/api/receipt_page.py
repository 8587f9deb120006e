"""The receipt of a paid invoice as one HTML document to print or keep: nothing is loaded, nothing runs."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from harvester.api.page.html import Html, element
from harvester.domain.invoice import Invoice
from harvester.domain.money import Price, format_amount
from harvester.domain.payment import Payment
from harvester.domain.rates import plain
from harvester.services.printed_receipts import MAX_PAYMENTS, PrintedReceipt

_STYLE: Final = """
body {
  max-width: 48rem; margin: 2rem auto; padding: 0 1rem;
  color: #111; background: #fff; font: 1rem/1.5 system-ui, sans-serif;
}
h1 { margin: 0; font-size: 1.5rem; }
h2 { margin: 2rem 0 .5rem; font-size: 1rem; }
.sum { font-size: 1.5rem; font-weight: 600; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .3rem .75rem .3rem 0; border-bottom: 1px solid #ccc; text-align: start; vertical-align: top; }
td { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
th { font-weight: normal; color: #555; }
tbody th { width: 11rem; }
.payments td:nth-child(-n+2) { overflow-wrap: normal; }
footer { margin-top: 2rem; font-size: .85rem; color: #555; }
@page { margin: 18mm; }
@media print {
  body { max-width: none; margin: 0; padding: 0; font-size: 10pt; }
  tr, li { break-inside: avoid; }
  h2 { break-after: avoid; }
}
"""
THERE_WERE_MORE: Final = f"The last {MAX_PAYMENTS}: there were more."
_DOCTYPE: Final = Html("<!doctype html>")


def receipt_policy() -> str:
    """Return the Content-Security-Policy of a receipt: its own style, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def receipt_page(receipt: PrintedReceipt) -> str:
    """Return the document. Whatever merchants and payers wrote is text in it, never HTML."""
    invoice = receipt.invoice
    metadata = orjson.loads(invoice.metadata)
    merchant = str(metadata.get("merchant_name") or "")
    title = f"Receipt of {merchant} for {_amount(invoice.amount, invoice)}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=receipt_policy()),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", Html(_STYLE)),
    )
    body = element(
        "body",
        element("h1", "Receipt"),
        element("p", element("bdi", merchant), *_address(metadata)),
        element("p", _amount(invoice.amount, invoice), class_="sum"),
        *_goods(metadata),
        element("h2", "Invoice"),
        _fields(receipt_facts(invoice)),
        *_payments(receipt),
        element("h2", "Proof"),
        *_proof(invoice),
        element(
            "footer", "Amounts are whole units of the currency, times are UTC. Paid is as the blockchain shows it."
        ),
    )
    return _DOCTYPE + element("html", head, body, lang="en")


def _address(metadata: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(url := metadata.get("merchant_url"), str):
        yield from (", ", element("bdi", url))


def _goods(metadata: Mapping[str, Any]) -> Iterator[Html]:
    names = [str(good["name"]) for good in metadata.get("goods") or [] if isinstance(good, dict) and good.get("name")]
    if names:
        yield element("h2", "Goods")
        yield element("ul", *(element("li", element("bdi", name)) for name in names))


def receipt_facts(invoice: Invoice) -> Mapping[str, str | None]:
    """Return what there is to say of a paid invoice, by name; None: does not apply."""
    return dict(_facts(invoice))


def proof_facts(proof: str | None) -> Mapping[str, str]:
    """Return what a payment was proven from, a JSON object, each leaf with the names on the way to it."""
    return dict(_flat(orjson.loads(proof))) if proof is not None else {}


def _facts(invoice: Invoice) -> Iterator[tuple[str, str | None]]:
    yield "Invoice", str(invoice.id)
    yield "Order", invoice.order_id
    yield "Customer", invoice.customer_id
    yield "Made", _time(invoice.created_at)
    yield "Amount", _amount(invoice.amount, invoice)
    if invoice.price:
        yield "Price", f"{plain(invoice.price.amount)} {invoice.price.currency}"
        yield "Rate", _rate(invoice.price, invoice.ticker)
    yield "Received", _amount(invoice.received, invoice)
    if invoice.credited:
        yield "Paid from credit", _amount(invoice.credited, invoice)
    if invoice.overpayment:
        yield "Paid too much", _amount(invoice.overpayment, invoice)
    yield "Paid", _time(invoice.paid_at) if invoice.paid_at else None
    yield "Paid by", invoice.paid_by
    yield "Paid to", invoice.pay_to_address
    yield "Transaction", invoice.tx_hash


def _rate(price: Price, ticker: str) -> str:
    # Without its source: the page is for the payer, too, and who works here is not his business.
    return f"{plain(price.rate)} {price.currency} for 1 {ticker}, as of {_time(price.rate_at)}"


def _payments(receipt: PrintedReceipt) -> Iterator[Html]:
    if not (receipt.payments or receipt.is_cut):
        return
    columns = ("Time", "Amount", "Paid by", "Transaction")
    rows = [element("tr", *(element("td", cell) for cell in _row(each, receipt.invoice))) for each in receipt.payments]
    head = element("thead", element("tr", *(element("th", name, scope="col") for name in columns)))
    yield element("h2", "Payments")
    yield element("table", head, element("tbody", *rows), class_="payments")
    if receipt.is_cut:
        yield element("p", THERE_WERE_MORE)


def _row(payment: Payment, invoice: Invoice) -> tuple[str, ...]:
    return _time(payment.time), _amount(payment.amount, invoice), payment.payer, payment.tx_hash


def _proof(invoice: Invoice) -> Iterator[Html]:
    if invoice.tx_hash is None:
        yield element("p", "Credit settled the invoice: there is no transaction.")
    elif invoice.proof is None:
        yield element("p", "The payment was not proven: who told of it was believed.")
    else:
        yield element("p", "The payment that settled the invoice was proven from:")
        yield _fields(proof_facts(invoice.proof))


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{name} {key}".strip().replace("_", " "))
    else:
        yield name, value if isinstance(value, str) else orjson.dumps(value).decode()


def _fields(facts: Mapping[str, str | None]) -> Html:
    rows = [
        element("tr", element("th", name, scope="row"), element("td", element("bdi", value)))
        for name, value in facts.items()
        if value is not None
    ]
    return element("table", element("tbody", *rows))


def _amount(amount: int, invoice: Invoice) -> str:
    return f"{format_amount(amount, invoice.decimals)} {invoice.ticker}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
