"""Tells the shop by e-mail what has been paid."""

import asyncio
import smtplib
from email.message import EmailMessage

from harvester.chain import AdapterContext
from harvester.chain.hooks import HookEvent, HookPlugin


class EmailHook:
    """Mails what is paid to EMAIL_TO, through the mail server EMAIL_SERVER (host:port)."""

    event_types = ("invoice.paid",)

    def __init__(self, context: AdapterContext) -> None:
        self.server, self.to = context.environ["EMAIL_SERVER"], context.environ["EMAIL_TO"]

    async def handle(self, event: HookEvent) -> None:
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = f"Paid: {event.body['id']}", self.to, self.to
        mail["Message-ID"] = f"<{event.id}@harvester>"  # the same if it is sent twice
        mail.set_content(f"{event.body['amount']} of {event.body['currency']} came from {event.body['paid_by']}.")
        await asyncio.to_thread(self.send, mail)

    def send(self, mail: EmailMessage) -> None:
        with smtplib.SMTP(self.server, timeout=10) as server:
            server.send_message(mail)


plugin = HookPlugin("email", EmailHook, variables=frozenset({"EMAIL_SERVER", "EMAIL_TO"}))
