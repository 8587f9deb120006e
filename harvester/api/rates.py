"""The routes of rates: what whole units of the merchant's assets cost."""

from collections.abc import Sequence

import orjson
from aiohttp import web

from harvester.api.answers import json_answer
from harvester.api.auth import TokenGuard, caller
from harvester.api.bodies import Body, read_body
from harvester.api.paths import PRIVATE
from harvester.api.repeats import once
from harvester.domain.access import Scope
from harvester.domain.acts import actor
from harvester.domain.rates import Rate, parse_currency, parse_rate
from harvester.services.rates import Rates, rate_view


class NewRate(Body):
    """The body of a request to set a rate."""

    currency: str
    rate: str
    ticker: str | None = None
    valid_for: int | None = None
    actor: str | None = None


class RateRoutes:
    """Rates over HTTP, for the merchant."""

    def __init__(self, rates: Rates) -> None:
        self._rates = rates

    def routes(self, guard: TokenGuard) -> Sequence[web.RouteDef]:
        """Return the routes, behind `guard`."""
        path = f"{PRIVATE}/rates"
        return [web.get(path, guard(Scope.READ, self.list)), web.post(path, guard(Scope.OPERATE, self.add))]

    async def list(self, _request: web.Request) -> web.StreamResponse:
        """List the last rate of each asset and currency."""
        now = self._rates.now()
        views = [rate_view(rate, asset, now) for rate, asset in await self._rates.list()]
        return json_answer(orjson.dumps({"rates": views}))

    async def add(self, request: web.Request) -> web.StreamResponse:
        """Say what an asset costs from now on."""
        new = await read_body(request, NewRate)
        pair, rate = self._rates.pair(parse_currency(new.currency), new.ticker), parse_rate(new.rate)

        def shown(added: Rate) -> bytes:
            return orjson.dumps(rate_view(added, pair.asset, self._rates.now()))

        source, key = actor(caller(request).channel, new.actor), once(request, shown, 201)
        return json_answer(shown(await self._rates.add(pair, rate, source, new.valid_for, key)), 201)
