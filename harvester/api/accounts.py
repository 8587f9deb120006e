"""The routes of customers' credit, and of the wallets that report payments."""

from collections.abc import Sequence
from typing import Final

import orjson
from aiohttp import web

from harvester.api.acting import ActBody, ReasonedActBody
from harvester.api.answers import json_answer
from harvester.api.auth import TokenGuard, caller
from harvester.api.bodies import read_body
from harvester.api.paths import PRIVATE
from harvester.api.payment_schemas import parse_payment_id
from harvester.api.repeats import once
from harvester.api.schemas import parse_limit
from harvester.domain.access import Scope
from harvester.domain.errors import InvalidInput
from harvester.domain.identifiers import merchant_text
from harvester.domain.money import parse_signed
from harvester.services.account_views import (
    customer_json,
    history_json,
    issued_json,
    settled_json,
    wallet_json,
    wallet_view,
)
from harvester.services.accounts import Accounts
from harvester.services.chains import Chains
from harvester.services.wallets import Wallets
from harvester.storage.credit import AccountKind, Owner

_CUSTOMER: Final = f"{PRIVATE}/customers/{{customer_id:[^/]+}}"
_WALLETS: Final = f"{PRIVATE}/wallets/{{chain}}"


class CreditNote(ReasonedActBody):
    """A body of `credit`."""

    customer_id: str
    amount: str
    currency: str


class Settlement(ActBody):
    """A body of `settle`."""

    currency: str


class Link(ActBody):
    """A body that ties an address to a customer."""

    address: str
    currency: str


class NewWallet(ActBody):
    """A body that lets a wallet report."""

    address: str
    ip_address: str
    last_nonce: str = "0"


class AccountRoutes:
    """Shows and grants credit, and manages wallets."""

    def __init__(self, accounts: Accounts, wallets: Wallets, chains: Chains) -> None:
        self._accounts = accounts
        self._wallets = wallets
        self._chains = chains

    def routes(self, guard: TokenGuard) -> Sequence[web.RouteDef]:
        """Return the routes, behind `guard`."""
        return [
            web.get(_CUSTOMER, guard(Scope.READ, self.show)),
            web.get(f"{_CUSTOMER}/history", guard(Scope.READ, self.history)),
            web.post(f"{_CUSTOMER}/addresses", guard(Scope.OPERATE, self.link)),
            web.post(f"{_CUSTOMER}/settle", guard(Scope.OPERATE, self.settle)),
            web.get(f"{PRIVATE}/addresses/{{address}}/history", guard(Scope.READ, self.history_of_address)),
            web.post(f"{PRIVATE}/credit", guard(Scope.OPERATE, self.issue)),
            web.get(_WALLETS, guard(Scope.READ, self.wallets)),
            web.post(_WALLETS, guard(Scope.OPERATE, self.add_wallet)),
            web.delete(f"{_WALLETS}/{{address}}", guard(Scope.OPERATE, self.remove_wallet)),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show a customer's credit and addresses in one currency."""
        return json_answer(customer_json(await self._accounts.show(_customer_id(request), _currency(request))))

    async def history(self, request: web.Request) -> web.StreamResponse:
        """List the movements of what the merchant granted a customer, and of his addresses."""
        return await self._history(request, Owner(AccountKind.CUSTOMER, _customer_id(request)))

    async def history_of_address(self, request: web.Request) -> web.StreamResponse:
        """List the movements of the account of an address."""
        chain = self._chains.currency(_currency(request)).chain
        address = self._chains.parse_address(chain, request.match_info["address"])
        return await self._history(request, Owner(AccountKind.ADDRESS, address))

    async def link(self, request: web.Request) -> web.StreamResponse:
        """Tie an address to a customer."""
        asked = await read_body(request, Link)
        customer_id, by, again = _customer_id(request), asked.by(caller(request).channel), once(request, settled_json)
        return json_answer(
            settled_json(await self._accounts.link(customer_id, asked.address, asked.currency, by, again))
        )

    async def settle(self, request: web.Request) -> web.StreamResponse:
        """Pay what a customer owes from all that he has."""
        asked = await read_body(request, Settlement)
        by = asked.by(caller(request).channel)
        customer_id, again = _customer_id(request), once(request, settled_json)
        return json_answer(settled_json(await self._accounts.settle_customer(customer_id, asked.currency, by, again)))

    async def issue(self, request: web.Request) -> web.StreamResponse:
        """Grant a customer credit, or take some away."""
        asked = await read_body(request, CreditNote)
        issued = await self._accounts.issue(
            merchant_text(asked.customer_id, "customer_id"),
            parse_signed(asked.amount, "amount"),
            asked.currency,
            asked.by(caller(request).channel),
            once(request, issued_json, 201),
        )
        return json_answer(issued_json(issued), 201)

    async def wallets(self, request: web.Request) -> web.StreamResponse:
        """List the wallets of a chain."""
        found = await self._wallets.list(request.match_info["chain"])
        return json_answer(orjson.dumps({"wallets": [wallet_view(wallet) for wallet in found]}))

    async def add_wallet(self, request: web.Request) -> web.StreamResponse:
        """Let a wallet report payments."""
        asked, chain = await read_body(request, NewWallet), request.match_info["chain"]
        by, nonce = asked.by(caller(request).channel), parse_signed(asked.last_nonce, "last_nonce")
        again = once(request, wallet_json, 201)
        wallet = await self._wallets.add(chain, asked.address, asked.ip_address, nonce, by.cause, again)
        return json_answer(wallet_json(wallet), 201)

    async def remove_wallet(self, request: web.Request) -> web.StreamResponse:
        """Let a wallet report no more."""
        actor = caller(request).channel
        await self._wallets.remove(request.match_info["chain"], request.match_info["address"], actor)
        return web.Response(status=204)

    async def _history(self, request: web.Request, owner: Owner) -> web.StreamResponse:
        limit, before = parse_limit(request.query.get("limit", "")), request.query.get("before", "")
        number = parse_payment_id(before) if before else None
        lines = await self._accounts.history(owner, _currency(request), limit, number)
        return json_answer(history_json(lines, limit))


def _customer_id(request: web.Request) -> str:
    return merchant_text(request.match_info["customer_id"], "customer_id")


def _currency(request: web.Request) -> str:
    currency = request.query.get("currency", "")
    if not currency:
        raise InvalidInput("currency must be given: the ticker of what the credit is in")
    return currency
