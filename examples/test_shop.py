"""A shop's own test, against a real daemon and a real (local) chain.

python with_harvester.py python -m unittest test_shop
"""

import json
import os
import subprocess
import threading
import unittest
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

from standardwebhooks import Webhook


class Shop:
    """The shop under test: makes invoices for orders, and ships what is paid."""

    def __init__(self) -> None:
        self.shipped: dict[int, threading.Event] = {}

    def order(self, number: int, amount: int, currency: str) -> str:
        """Take an order; return its invoice's id."""
        self.shipped[number] = threading.Event()
        body = {
            "amount": str(amount),
            "currency": currency,
            "life_time": 600,
            "private_info": {"order": number},
            "metadata": {"merchant_name": "My shop"},
        }
        request = urllib.request.Request(
            os.environ["HARVESTER_URL"] + "/tonpay/private/api/v1/invoice",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {os.environ['TOKEN']}"},
        )
        with urllib.request.urlopen(request) as answer:
            return str(json.load(answer)["id"])

    def hear(self, body: bytes, headers: dict[str, str]) -> None:
        """Take a webhook."""
        invoice = Webhook(os.environ["WEBHOOK_SECRET"]).verify(body, headers)
        if invoice["status"] == "paid":
            self.shipped[invoice["private_info"]["order"]].set()


class TestShop(unittest.TestCase):
    """What is paid is shipped, and nothing else."""

    def setUp(self) -> None:
        self.shop = shop = Shop()

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                shop.hear(self.rfile.read(int(self.headers["Content-Length"])), dict(self.headers))
                self.send_response(204)
                self.end_headers()

        server = HTTPServer(("127.0.0.1", urlsplit(os.environ["WEBHOOK_ENDPOINT"]).port or 80), Hook)
        threading.Thread(target=server.serve_forever).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)

    def pay(self, invoice_id: str, *manner: str) -> None:
        """Pay as a buyer would."""
        command = ["harvester", "dev", "pay", invoice_id, "--control", os.environ["CONTROL_URL"], *manner]
        subprocess.run(command, check=True)

    def test_a_paid_order_is_shipped(self) -> None:
        self.pay(self.shop.order(1, 1_500_000_000, "TON"))
        self.assertTrue(self.shop.shipped[1].wait(30))

    def test_half_of_the_money_ships_nothing_and_the_rest_does(self) -> None:
        invoice_id = self.shop.order(2, 5_000_000, "USDX")
        self.pay(invoice_id, "--partial")
        self.assertFalse(self.shop.shipped[2].wait(3))
        self.pay(invoice_id, "--partial")
        self.assertTrue(self.shop.shipped[2].wait(30))


if __name__ == "__main__":
    unittest.main()
