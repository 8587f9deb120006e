"""What the shop sends: its webhooks, signed; and what the daemon is told of it."""

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tests.shopify.admin_server import TOKEN, AdminServer

CHECKOUT: Final = "/shopify/webhook/checkout_create"
SECRET: Final = "key-of-a-test-shop"
_SIGNATURE: Final = "X-Shopify-Hmac-Sha256"


@dataclass(frozen=True)
class Order:
    """An order of the shop: its id is a number, its name another one after a #."""

    id: str
    number: int
    customer: int

    @property
    def name(self) -> str:
        return f"#{self.number}"


def shop_settings(shop: AdminServer) -> dict[str, str]:
    """Return what the daemon is told of a shop."""
    return {
        "HOOKS": "shopify",
        "SHOPIFY_URL": shop.url,
        "TPG_SHOPIFY_SHOP": "test.shop.example",
        "TPG_SHOPIFY_ADMIN_ACCESS_TOKEN": TOKEN,
        "TPG_SHOPIFY_HMAC_SECRET": SECRET,
    }


def webhook(order: Order, price: str, says: Mapping[str, object]) -> Mapping[str, object]:
    """Return what the shop says of an order; `says` replaces some of it."""
    return {
        "id": int(order.id),
        "name": order.name,
        "customer": {"id": order.customer},
        "currency": "XTR",
        "total_price": price,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    } | dict(says)


def signed(order: Mapping[str, object], secret: str = SECRET) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a webhook."""
    body = json.dumps(order).encode()
    signature = base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
    return body, {"Content-Type": "application/json", _SIGNATURE: signature}
