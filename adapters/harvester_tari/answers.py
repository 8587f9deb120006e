"""The forms of answers that wallets and storefronts of the existing server know, each with the status it deserves.

Claims are answered by an object, or `{"error"}`. Wallets get `{"success", "message"}`, which was all that told failure
from success there: here the status does, too.
"""

import json
from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from harvester.domain.invoice import Invoice
from harvester.domain.lifecycle import Status
from harvester.domain.payment import Transfer
from harvester_tari.address import parse_address
from harvester_tari.wallet_messages import IncomingPayment

HEALTHY: Final = "\N{THUMBS UP SIGN}\N{VARIATION SELECTOR-16}\n"
ALREADY_EXISTS: Final = "Payment already exists."
ALREADY_CONFIRMED: Final = "Payment already confirmed."
NOT_CONFIRMED: Final = "Could not confirm payment."
FORBIDDEN: Final = "Cannot complete this request. The requested order change is forbidden."
NO_CLAIM: Final = "Authentication Error. The signature of the claim is none of its address."
RETRY_AFTER_SECS: Final = 5

_NO_STORE: Final = {"Cache-Control": "no-store"}
_JSON: Final = _NO_STORE | {"Content-Type": "application/json"}
_STATUSES: Final = {
    Status.UNCLAIMED: "Unclaimed",
    Status.WAITING: "New",
    Status.PAID: "Paid",
    Status.CANCELLED: "Cancelled",
    Status.EXPIRED: "Expired",
}


def json_answer(body: object, status: int = 200) -> web.Response:
    """Return JSON that nobody may cache."""
    return web.Response(body=json.dumps(body, ensure_ascii=False).encode(), status=status, headers=_JSON)


def error(status: int, text: str) -> web.Response:
    """Return what has gone wrong with a claim."""
    return json_answer({"error": text}, status)


def result(message: str, status: int = 200) -> web.Response:
    """Return what has come of a wallet's message."""
    answer = json_answer({"success": status == 200, "message": message}, status)
    if status == 503:
        answer.headers["Retry-After"] = str(RETRY_AFTER_SECS)
    return answer


def undecodable(reason: str) -> web.Response:
    """Return why a body is none of the form that is asked for."""
    return web.Response(status=400, text=f"Json deserialize error: {reason}", headers=_NO_STORE)


def unauthorised() -> web.Response:
    """Return the one answer to all who may not report: which part of the proof is wrong is none of their business."""
    return web.Response(status=401, headers=_NO_STORE)


def not_found(order_id: str) -> str:
    """Say that there is no such order."""
    return f"The data was not found. The requested order {order_id} does not exist"


def claimed_order(order: Invoice) -> dict[str, object]:
    """Return an order that has been claimed."""
    return {
        "order_id": order.order_id,
        "total_price": order.amount,
        "expires_at": rfc3339(order.expires_at),
        "status": _STATUSES[order.status],
        "send_to": parse_address(order.pay_to_address).to_structure(),
    }


def received_payment(payment: IncomingPayment, transfer: Transfer) -> str:
    """Return the JSON text of a payment that was recorded as `transfer`; wallets get it as their message."""
    moment = rfc3339(transfer.time)
    members = payment.to_members() | {"order_id": transfer.order_reference}
    more = {"created_at": moment, "updated_at": moment, "payment_type": "on_chain", "status": "received"}
    return json.dumps(members | more, ensure_ascii=False)


def rfc3339(moment: datetime) -> str:
    """Return a moment in UTC, to the second or the microsecond.

    >>> rfc3339(datetime(2024, 3, 10, 15, 0, tzinfo=UTC))
    '2024-03-10T15:00:00Z'
    """
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
