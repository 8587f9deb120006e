"""`harvester dev pay`: pays an invoice on the local chain, as a buyer would or as no buyer should."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import click

from harvester.domain.errors import InvalidInput, NotFound, Unavailable
from harvester_ton.devnet.ports import API_URL, CONTROL_URL

_TIMEOUT_SECS: Final = 30.0
_PAST_THE_END_SECS: Final = 2
"""A payment in the second of `expire_at` is in time; blocks carry whole seconds."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How the invoice is to be paid."""

    amount: int | None
    """Base units; None: what the invoice asks for, times `factor`."""
    factor: float
    late: bool
    times: int
    comment: str | None
    """Text instead of the payload; empty: the invoice's id."""
    notify: bool

    def amount_of(self, invoice: dict[str, Any]) -> int:
        """Return the base units of one payment, at least 1."""
        return self.amount or max(1, int(invoice["amount"]) * int(self.factor * 2) // 2)

    def message_of(self, invoice: dict[str, Any]) -> dict[str, str]:
        """Return the field of the control's payment that refers to the invoice."""
        if self.comment is None:
            return {"payload": invoice["payload"]}
        return {"text": self.comment or invoice["id"]}


@click.command("pay")
@click.argument("invoice_id", metavar="INVOICE")
@click.option("--amount", type=click.IntRange(min=1), metavar="N", help="Pay N base units.")
@click.option("--partial", is_flag=True, help="Pay half of what is asked for.")
@click.option("--over", is_flag=True, help="Pay one and a half times what is asked for.")
@click.option("--late", is_flag=True, help="First move the chain's time past the end of the invoice.")
@click.option("--twice", is_flag=True, help="Pay two times.")
@click.option(
    "--comment", is_flag=False, flag_value="", metavar="[TEXT]", help="Pay with a text, the id if none is given."
)
@click.option("--no-notify", is_flag=True, help="Send jettons without a notification to the recipient.")
@click.option("--url", envvar="HARVESTER_URL", default=API_URL, show_default=True, show_envvar=True, help="The API.")
@click.option("--control", default=CONTROL_URL, show_default=True, help="The control of the local chain.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def pay_command(  # noqa: PLR0913, PLR0917 - a command has the options it has
    invoice_id: str,
    amount: int | None,
    partial: bool,
    over: bool,
    late: bool,
    twice: bool,
    comment: str | None,
    no_notify: bool,
    url: str,
    control: str,
    as_json: bool,
) -> None:
    """Pay INVOICE on the local chain: exactly, with its payload, unless told otherwise."""
    if sum((amount is not None, partial, over)) > 1:
        raise click.UsageError("--amount, --partial and --over exclude each other")
    factor = 0.5 if partial else 1.5 if over else 1.0
    manner = Manner(amount, factor, late, 2 if twice else 1, comment, not no_notify)
    done = asyncio.run(_pay(invoice_id, manner, url.rstrip("/"), control.rstrip("/")))
    if as_json:
        click.echo(json.dumps(done))
        return
    for payment in done["payments"]:
        click.echo(f"paid {payment['amount']} base units of {done['currency']} in block {payment['block_seqno']}")


async def _pay(invoice_id: str, manner: Manner, url: str, control: str) -> dict[str, Any]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_SECS)) as session:
        invoice = await _ask(session, "GET", f"{url}/tonpay/public/api/v1/invoices/{invoice_id}")
        jetton = invoice.get("jetton_info")
        if not (manner.notify or jetton):
            raise InvalidInput(f"--no-notify is for jettons, {invoice['currency']} is none")
        if manner.late:
            await _outlive(session, control, int(invoice["expire_at"]))
        payment = {
            "to": invoice["pay_to_address"],
            "asset": jetton["address"] if jetton else "ton",
            "amount": str(manner.amount_of(invoice)),
            "forward_amount_nano": 1 if manner.notify else 0,
            **manner.message_of(invoice),
        }
        payments = [await _ask(session, "POST", f"{control}/pay", payment) for _ in range(manner.times)]
    return {
        "invoice_id": invoice["id"],
        "currency": invoice["currency"],
        "payments": [payment | {"block_seqno": paid["block_seqno"]} for paid in payments],
    }


async def _outlive(session: aiohttp.ClientSession, control: str, expire_at: int) -> None:
    status = await _ask(session, "GET", f"{control}/status")
    seconds = max(0, expire_at - int(status["time"]) + _PAST_THE_END_SECS)
    await _ask(session, "POST", f"{control}/advance", {"seconds": seconds})


async def _ask(session: aiohttp.ClientSession, method: str, url: str, body: Any = None) -> dict[str, Any]:
    """Return the JSON object that is answered.

    Raises:
        NotFound: 404.
        InvalidInput: another refusal, with the answer's error.
        Unavailable: nothing answers there.
    """
    try:
        async with session.request(method, url, json=body) as response:
            answer: dict[str, Any] = await response.json()
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Unavailable(
            f"{url} does not answer as it should ({type(error).__name__}): is `harvester dev` running there?"
        ) from None
    if response.status == 404:
        raise NotFound(f"{url}: {answer.get('error')}")
    if response.status != 200:
        raise InvalidInput(f"{url}: {answer.get('error')}")
    return answer
