"""The HTTP control of the local chain: everything `LocalTon` can do, for programs in other languages.

On the loopback interface unless told otherwise; JSON in and out; a wrong request is answered 400 with
`{"error": text}`. The paths and fields are described in docs/local-chain.md.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Any, Final, Self

from aiohttp import web

from harvester_ton.devnet.cells import CellError
from harvester_ton.devnet.faults import FaultMode
from harvester_ton.devnet.local import LocalTon, Paid, Payment
from harvester_ton.devnet.ports import LOOPBACK
from harvester_ton.devnet.status import account_status, chain_status

_MAX_BODY_BYTES = 8 << 20
_MAX_HINTS = 200
_PAY_FIELDS: Final = {
    "to": str,
    "amount": (int, str),
    "asset": str,
    "text": str,
    "payload": str,
    "forward_amount_nano": (int, str),
    "from": str,
    "bounce": bool,
    "count": int,
}
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BadRequest(ValueError):
    """A request body that is not what the path takes."""


class Control:
    """Serves one chain: `async with Control(ton) as control`. `port` 0 takes a free one. It obeys whoever comes."""

    def __init__(self, ton: LocalTon, port: int = 0, host: str = LOOPBACK) -> None:
        self._ton, self._host, self.port = ton, host, port
        self._runner = web.AppRunner(self._application(), access_log=None)

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self.port}"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self.port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[_explain], client_max_size=_MAX_BODY_BYTES)
        application.add_routes(
            [
                web.get("/status", self._status),
                web.get("/network-config", self._network_config),
                web.get("/account/{address}", self._account),
                web.post("/pay", self._pay),
                web.post("/burst", self._burst),
                web.post("/advance", self._advance),
                web.post("/blocks/stop", self._stop),
                web.post("/blocks/resume", self._resume),
                web.post("/blocks/produce", self._produce),
                web.post("/faults", self._faults),
                web.post("/jettons", self._jettons),
                web.post("/deploy", self._deploy),
            ]
        )
        return application

    async def _status(self, request: web.Request) -> web.Response:
        recipient = request.query.get("recipient") or self._ton.wallets["merchant"].address
        return web.json_response(chain_status(self._ton, recipient))

    async def _network_config(self, _: web.Request) -> web.Response:
        return web.json_response(self._ton.network_config())

    async def _account(self, request: web.Request) -> web.Response:
        return web.json_response(account_status(self._ton, request.match_info["address"]))

    async def _pay(self, request: web.Request) -> web.Response:
        payments = _payments(await _body(request, _PAY_FIELDS))
        return web.json_response(_paid(await self._ton.burst(payments)))

    async def _burst(self, request: web.Request) -> web.Response:
        body = await _body(request, {"payments": list, "per_block": int})
        if not body.get("payments"):
            raise ValueError("payments must be a list with at least one payment")
        payments = [payment for each in body["payments"] for payment in _payments(_checked(each, _PAY_FIELDS))]
        return web.json_response(_paid(await self._ton.burst(payments, per_block=body.get("per_block"))))

    async def _advance(self, request: web.Request) -> web.Response:
        body = await _body(request, {"seconds": (int, float)})
        self._ton.advance(_required(body, "seconds"))
        return self._now()

    async def _stop(self, _: web.Request) -> web.Response:
        await self._ton.stop_blocks()
        return self._now()

    async def _resume(self, _: web.Request) -> web.Response:
        self._ton.start_blocks()
        return self._now()

    async def _produce(self, request: web.Request) -> web.Response:
        body = await _body(request, {"count": int})
        await self._ton.produce_block(_within(body.get("count", 1), 1, 10_000, "count"))
        return self._now()

    async def _faults(self, request: web.Request) -> web.Response:
        body = await _body(request, {"server": (int, str), "mode": str, "lag_blocks": int})
        server = body.get("server", "all")
        if isinstance(server, str) and server != "all":
            raise ValueError(f'server must be an index or "all", not {server!r}')
        mode = FaultMode.parse(_required(body, "mode"))
        chosen = None if server == "all" else server
        await self._ton.set_faults(mode, server=chosen, lag_blocks=body.get("lag_blocks", 0))
        return self._now()

    async def _jettons(self, request: web.Request) -> web.Response:
        body = await _body(request, {"ticker": str, "decimals": int, "name": str})
        await self._ton.add_jetton(_required(body, "ticker"), body.get("decimals", 9), body.get("name", ""))
        return web.json_response(chain_status(self._ton, self._ton.wallets["merchant"].address)["jettons"][-1])

    async def _deploy(self, request: web.Request) -> web.Response:
        body = await _body(request, {"wallet": str})
        wallet = await self._ton.deploy_wallet(body.get("wallet", "merchant"))
        return web.json_response(account_status(self._ton, wallet.address))

    def _now(self) -> web.Response:
        return web.json_response({"seqno": self._ton.seqno, "time": int(self._ton.now())})


@web.middleware
async def _explain(request: web.Request, handler: _Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        return web.json_response({"error": refusal.reason}, status=refusal.status)
    except (ValueError, CellError) as error:
        return web.json_response({"error": str(error)}, status=400)


async def _body(request: web.Request, fields: dict[str, Any]) -> dict[str, Any]:
    if not request.can_read_body:
        return {}
    return _checked(await request.json(), fields)


def _checked(body: Any, fields: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise BadRequest("a JSON object is expected")
    for name, value in body.items():
        if name not in fields:
            raise BadRequest(f"unknown field {name!r}; allowed are {', '.join(fields)}")
        if not isinstance(value, fields[name]) or (isinstance(value, bool) and fields[name] is not bool):
            raise BadRequest(f"{name} has the wrong type")
    return body


def _required(body: dict[str, Any], name: str) -> Any:
    if name not in body:
        raise BadRequest(f"{name} is missing")
    return body[name]


def _within(value: int, low: int, high: int, name: str) -> int:
    if not low <= value <= high:
        raise BadRequest(f"{name} must be {low} to {high}, not {value}")
    return value


def _payments(body: dict[str, Any]) -> list[Payment]:
    payload = body.get("payload")
    payment = Payment(
        to=_required(body, "to"),
        amount=_within(_whole(_required(body, "amount"), "amount"), 0, (1 << 120) - 1, "amount"),
        asset=body.get("asset", "ton"),
        text=body.get("text"),
        payload=_base64(payload) if payload is not None else None,
        forward_amount_nano=_within(_whole(body.get("forward_amount_nano", 1), "forward_amount_nano"), 0, 10**18, "it"),
        sender=body.get("from", "buyer"),
        bounce=body.get("bounce", False),
    )
    return [payment] * _within(body.get("count", 1), 1, 100_000, "count")


def _whole(value: int | str, name: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise BadRequest(f"{name} must be a whole number of base units, not {value!r}") from None


def _base64(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise BadRequest(f"payload is not standard base64: {error}") from error


def _paid(paid: Paid) -> dict[str, Any]:
    transactions = paid.transactions
    return {
        "block_seqno": paid.block_seqno,
        "transaction_count": len(transactions),
        "transactions": [transaction.describe() for transaction in transactions[:_MAX_HINTS]],
    }
