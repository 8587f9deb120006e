"""A webhook receiver: believes what is signed, takes each event once.   pip install standardwebhooks

WEBHOOK_SECRET=whsec_… RECEIVER_PORT=9000 python receiver.py
"""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["WEBHOOK_SECRET"])
taken: set[str] = set()  # in a shop: a table with a unique column, written in the transaction that does the work


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 1 << 20))
        try:
            event = webhook.verify(body, dict(self.headers))
        except (WebhookVerificationError, ValueError):
            self.answer(401)
            return
        event_id = self.headers["webhook-id"]
        if event_id not in taken:
            taken.add(event_id)
            about = event.get("payment", event)
            state = about.get("status", about.get("class", "-"))
            print(self.headers["harvester-event"], about.get("id", "-"), state, flush=True)
        self.answer(204)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.end_headers()


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("RECEIVER_PORT", "9000"))), Receiver)
server.serve_forever()
