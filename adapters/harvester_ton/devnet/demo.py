"""The whole main job on one machine: local chain, webhook receiver, daemon; an invoice, its payment, its webhooks."""

import base64
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final

import aiohttp
import segno

from harvester.domain.errors import Unavailable
from harvester_demo.asking import answer_of
from harvester_demo.daemon import DaemonProcess
from harvester_demo.folder import run_folder
from harvester_demo.receiver import Webhook, WebhookReceiver
from harvester_ton.devnet.control import Control
from harvester_ton.devnet.local import LocalTon
from harvester_ton.devnet.ports import ANY_PORT, API_PORT, CONTROL_PORT, LOOPBACK, METRICS_PORT, port_or_any
from harvester_ton.devnet.status import chain_status

INVOICE_PATH: Final = "/tonpay/private/api/v1/invoice"
INVOICE: Final[Mapping[str, Any]] = {
    "amount": "1500000000",
    "currency": "TON",
    "life_time": 3600,
    "private_info": {"order": "1001"},
    "metadata": {"merchant_name": "Demo shop", "goods": [{"name": "A cup of coffee"}]},
}
BLOCK_SECONDS: Final = 0.5

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it."""

    invoice: dict[str, Any]
    """The paid invoice as the private API shows it."""
    webhooks: list[Webhook]
    """All that came, in order."""
    detected_seconds: float
    """From the moment the payment's block could be had from the lite server until the paid webhook arrived."""

    def to_json(self) -> dict[str, Any]:
        """Return what `harvester dev --once` prints."""
        return {
            "invoice": self.invoice,
            "webhooks": [webhook.to_json() for webhook in self.webhooks],
            "detected_seconds": round(self.detected_seconds, 4),
        }


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs, and where to find it."""

    ton: LocalTon
    control: Control
    receiver: WebhookReceiver
    daemon: DaemonProcess
    token: str


@asynccontextmanager
async def set_up(data_path: Path, say: Say) -> AsyncIterator[Stage]:
    """Yield everything started, the daemon perhaps not ready yet; stop it from the last to the first in the end.

    Raises:
        ConfigurationError: `data_path` cannot be used.
        TvmUnavailable: there is no TVM for this platform.
        Unavailable: the daemon does not start.
    """
    token, secret = secrets.token_urlsafe(24), "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(run_folder(data_path))
        ton = await stack.enter_async_context(LocalTon(block_seconds=BLOCK_SECONDS))
        control = await _open_control(stack, ton)
        receiver = await stack.enter_async_context(WebhookReceiver.open(secret, lambda webhook: say(_shown(webhook))))
        settings = _chain_settings(ton, folder) | {
            "DATA_DIR": str(folder),
            "TOKEN": token,
            "WEBHOOK_ENDPOINT": receiver.url,
            "WEBHOOK_SECRET": secret,
        }
        daemon = await _open_daemon(stack, settings, folder)
        yield Stage(ton, control, receiver, daemon, token)


async def _open_control(stack: AsyncExitStack, ton: LocalTon) -> Control:
    try:
        return await stack.enter_async_context(Control(ton, port_or_any(CONTROL_PORT)))
    except OSError:  # somebody was quicker
        return await stack.enter_async_context(Control(ton, ANY_PORT))


async def _open_daemon(stack: AsyncExitStack, settings: Mapping[str, str], folder: Path) -> DaemonProcess:
    try:
        listeners = _listeners(port_or_any(API_PORT), port_or_any(METRICS_PORT))
        return await stack.enter_async_context(DaemonProcess.open({**settings, **listeners}, folder))
    except Unavailable:  # somebody may have been quicker; if it was something else, it fails again
        listeners = _listeners(ANY_PORT, ANY_PORT)
        return await stack.enter_async_context(DaemonProcess.open({**settings, **listeners}, folder))


def _listeners(api_port: int, metrics_port: int) -> dict[str, str]:
    return {"PORT": str(api_port), "METRICS": f"{LOOPBACK}:{metrics_port}"}


def _chain_settings(ton: LocalTon, folder: Path) -> dict[str, str]:
    config_path = folder / "network.json"
    config_path.write_text(json.dumps(ton.network_config(), indent=2))
    facts = chain_status(ton, ton.wallets["merchant"].address)
    jettons = ", ".join(f"{each['ticker']} {each['decimals']} {each['master']}" for each in facts["jettons"])
    return {
        "NETWORK_CONFIG": str(config_path),
        "RECIPIENT": facts["recipient"]["non_bounceable"],
        "JETTONS": jettons,
    }


async def play(stage: Stage, say: Say) -> Played:
    """Wait for the daemon; create an invoice, pay it on the chain, and wait for the webhook that says so.

    Raises:
        Unavailable: the API refuses.
    """
    await stage.daemon.ready()
    async with aiohttp.ClientSession(stage.daemon.url, headers={"Authorization": f"Bearer {stage.token}"}) as api:
        invoice = await answer_of(api.post(INVOICE_PATH, json=dict(INVOICE)))
        say(f"created   {invoice['id']}: {invoice['amount']} base units of {invoice['currency']}")
        await stage.receiver.wait_for(invoice["id"], "waiting")
        link = invoice["payment_links"]["universal"]
        say(f"link      {link}\n\n{_qr_code(link)}")
        await stage.ton.pay(
            invoice["pay_to_address"], int(invoice["amount"]), payload=base64.b64decode(invoice["payload"])
        )
        available_at = time.monotonic()
        say(f"paid      on the local chain, block {stage.ton.seqno}")
        webhook = await stage.receiver.wait_for(invoice["id"], "paid")
        paid = await answer_of(api.get(f"{INVOICE_PATH}s/{invoice['id']}"))
    return Played(paid, stage.receiver.all(), webhook.received_at - available_at)


def _shown(webhook: Webhook) -> str:
    return f"webhook   {webhook.status}, signature verified: {json.dumps(webhook.body)}"


def _qr_code(link: str) -> str:
    text = StringIO()
    segno.make(link, error="l").terminal(out=text, border=2, compact=True)
    return text.getvalue()
