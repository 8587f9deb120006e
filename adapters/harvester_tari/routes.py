"""The routes that payers and hot wallets of Tari use: to claim an order, to tell of payments.

A wallet is believed if the message is signed with its key, if it is authorised, if it speaks from its own host, and if
the message's nonce is greater than the last one: the desk checks all but the signature, and takes the nonce, together
with what the message is about. So what fails may be sent again as it was.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from harvester.chain import Clock
from harvester.chain.desk import Badge, Desk
from harvester.chain.requests import CLIENT
from harvester.domain.errors import ActRefused, BadgeRefused, InvalidInput, NotFound, Unavailable
from harvester.domain.payment import Transfer
from harvester_tari import answers
from harvester_tari.amounts import ASSET, CHAIN
from harvester_tari.claims import parse_claim
from harvester_tari.order_reference import order_reference
from harvester_tari.payers import payer_of
from harvester_tari.settings import TariSettings
from harvester_tari.strict_json import MAX_BYTES
from harvester_tari.wallet_messages import IncomingPayment, WalletMessage, parse_incoming_payment, parse_tx_confirmation

INDEX: Final = 0
"""A transaction of Tari is one transfer to the merchant."""
_JSON: Final = "application/json"

_Answering = Callable[[web.Request, bytes], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class TariRoutes:
    """Serves at one desk."""

    settings: TariSettings
    desk: Desk
    clock: Clock

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the routes."""
        return [
            web.post("/order/claim", self.claim),
            web.post("/wallet/incoming_payment", _told_to_wallets(self.incoming_payment)),
            web.post("/wallet/tx_confirmation", _told_to_wallets(self.tx_confirmation)),
            web.get("/wallet/send_to", self.send_to),
            web.get("/health", self.health),
        ]

    async def claim(self, request: web.Request) -> web.Response:
        """Tie an order to the owner of the address that has signed for it. Anybody may try, at PUBLIC_RATE."""
        request[CLIENT].take_turn()
        try:
            claim = parse_claim(await _read(request), self.settings.network)
        except InvalidInput as mistake:
            return answers.undecodable(str(mistake))
        if not claim.is_signed():
            return answers.error(401, answers.NO_CLAIM)
        payer = claim.address.payer
        try:
            order = await self.desk.claim(claim.order_id, payer, f"claim:{payer}")
        except NotFound:
            return answers.error(404, answers.not_found(claim.order_id))
        except ActRefused as refusal:
            return answers.error(400, f"{answers.FORBIDDEN} {refusal}")
        return answers.json_answer(answers.claimed_order(order))

    async def incoming_payment(self, request: web.Request, body: bytes) -> web.Response:
        """Record a payment that a wallet has seen. It counts for nothing before it is confirmed."""
        message = parse_incoming_payment(body, self.settings.network)
        badge = self._badge(request, message)
        transfer = self._transfer(message.content)
        reported = await self.desk.report(transfer, badge)
        text = answers.received_payment(message.content, transfer) if reported.new else answers.ALREADY_EXISTS
        return answers.result(text)

    async def tx_confirmation(self, request: web.Request, body: bytes) -> web.Response:
        """Take a payment as final: it is its payer's credit, and pays what is due from there."""
        message = parse_tx_confirmation(body, self.settings.network)
        badge, txid = self._badge(request, message), message.content.txid
        try:
            confirmed = await self.desk.confirm(txid, INDEX, badge)
        except NotFound:
            return answers.result(answers.NOT_CONFIRMED, 404)
        text = f"Payment {txid} confirmed successfully." if confirmed.new else answers.ALREADY_CONFIRMED
        return answers.result(text)

    async def send_to(self, _request: web.Request) -> web.Response:
        """List the addresses of the wallets that may report. The one that is paid is shown in full."""
        paid = self.settings.tpg_payment_wallet_address
        found = [wallet.address for wallet in await self.desk.wallets()]
        return answers.json_answer([str(paid) if address == paid.payer else address for address in found])

    async def health(self, _request: web.Request) -> web.Response:
        """Say that the server answers; `/readyz` says more."""
        return web.Response(text=answers.HEALTHY)

    def _badge(self, request: web.Request, message: WalletMessage[Any]) -> Badge:
        """Return the badge of a message that is signed.

        Raises:
            BadgeRefused: it is not, or where it comes from is not known.
        """
        ip_address = None
        if not self.settings.tpg_disable_wallet_whitelist:
            ip_address = request[CLIENT].ip_address(self.settings.proxy_headers)
            if ip_address is None:
                raise BadgeRefused("where the message comes from is not known")
        if not message.is_signed():
            raise BadgeRefused("the message is not signed by its wallet")
        return Badge(CHAIN, message.address.payer, message.nonce, ip_address)

    def _transfer(self, payment: IncomingPayment) -> Transfer:
        named = order_reference(payment, self.settings.network, self.settings.number_prefix)
        return Transfer(
            tx_hash=payment.txid,
            index=INDEX,
            asset=ASSET,
            amount=payment.amount_micro,
            payer=payer_of(payment),
            time=self.clock().replace(microsecond=0),
            text=payment.memo and payment.memo.replace("\0", ""),
            reason=named.reason,
            order_reference=named.order_id,
            claimant=named.claimant.payer if named.claimant else None,
            provisional=True,
        )


def _told_to_wallets(answering: _Answering) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler that answers as `answering` does, and what it raises in the form that wallets know."""

    async def handler(request: web.Request) -> web.Response:
        try:
            return await answering(request, await _read(request))
        except InvalidInput as mistake:
            return answers.undecodable(str(mistake))
        except BadgeRefused:
            return answers.unauthorised()
        except ActRefused as refusal:
            return answers.result(str(refusal), 409)
        except Unavailable:
            return answers.result("Temporarily unavailable: try again later.", 503)

    return handler


async def _read(request: web.Request) -> bytes:
    """Return the body.

    Raises:
        InvalidInput: it is too long or too slow, or says that it is no JSON.
    """
    if request.content_type != _JSON:
        raise InvalidInput(f"the content type must be {_JSON}")
    return await request[CLIENT].read(MAX_BYTES)
