"""Credit, customers and wallets as JSON members: amounts as strings of base units, times as Unix seconds."""

from collections.abc import Mapping, Sequence

import orjson

from harvester.chain.desk import Wallet
from harvester.domain.events import unix_seconds
from harvester.domain.invoice import Invoice
from harvester.services.accounts import Customer, Issued
from harvester.services.paging import page_view
from harvester.storage.credit import AccountKind, Statement, StatementLine


def issued_json(issued: Issued) -> bytes:
    """Return a credit note, with the orders that it paid."""
    view: dict[str, object] = {
        "number": issued.number,
        "customer_id": issued.customer_id,
        "amount": str(issued.amount),
        "currency": issued.currency.ticker,
        "paid": _paid(issued.paid),
    }
    return orjson.dumps(view)


def settled_json(paid: Sequence[Invoice]) -> bytes:
    """Return the orders that are paid now."""
    return orjson.dumps({"paid": _paid(paid)})


def customer_json(customer: Customer) -> bytes:
    """Return what there is of a customer."""
    view: dict[str, object] = {
        "customer_id": customer.customer_id,
        "currency": customer.currency.ticker,
        "balance": str(customer.balance),
        "owed": str(customer.owed),
        "granted": _statement(customer.own),
        "addresses": [{"address": address} | _statement(statement) for address, statement in customer.addresses],
    }
    return orjson.dumps(view)


def history_json(lines: Sequence[StatementLine], limit: int) -> bytes:
    """Return a page of movements of accounts."""
    return orjson.dumps(page_view("entries", [_line(line) for line in lines], [line.number for line in lines], limit))


def wallet_view(wallet: Wallet) -> dict[str, object]:
    """Return a wallet."""
    return {
        "chain": wallet.chain,
        "address": wallet.address,
        "ip_address": wallet.ip_address,
        "last_nonce": str(wallet.last_nonce),
    }


def _paid(orders: Sequence[Invoice]) -> Sequence[Mapping[str, object]]:
    # Not all of each: there may be a thousand.
    views = [{"id": str(order.id), "order_id": order.order_id, "amount": str(order.amount)} for order in orders]
    return [{name: value for name, value in view.items() if value is not None} for view in views]


def wallet_json(wallet: Wallet) -> bytes:
    """Return a wallet."""
    return orjson.dumps(wallet_view(wallet))


def _statement(statement: Statement) -> dict[str, object]:
    return {"gained": str(statement.gained), "spent": str(statement.spent), "balance": str(statement.balance)}


def _line(line: StatementLine) -> dict[str, object]:
    optional = {
        "address": line.owner.name if line.owner.kind is AccountKind.ADDRESS else None,
        "payment_id": line.payment_id,
        "invoice_id": line.invoice_id and str(line.invoice_id),
        "reason": line.reason,
    }
    view: dict[str, object] = {
        "number": line.number,
        "kind": line.kind.value,
        "amount": str(line.amount),
        "actor": line.actor,
        "created_at": unix_seconds(line.created_at),
    }
    return view | {name: value for name, value in optional.items() if value is not None}
