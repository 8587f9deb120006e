"""The original watcher's recorded answers, asked of ours: statuses and shapes, member by member.

The clock stands where the original's stood, so times must be equal; what may differ is listed here with its reason.
"""

import base64
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import compress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.clock import ManualClock
from tests.e2e.api_server import PRIVATE, SETTINGS, Answer, Api, serving

Exchange = dict[str, Any]

EXCHANGES: list[Exchange] = json.loads((Path(__file__).parents[1] / "data" / "transcripts.json").read_text())[
    "exchanges"
]
BARE = {name: value for name, value in SETTINGS.items() if name not in ("KEY", "JETTONS")} | {
    "PAYMENT_PREFIXES": "myw https://w.example/,universal ton2://"
}

OTHER_STATUS: Mapping[str, tuple[int, str]] = {
    "create_literal_backslash_u0000": (200, "six characters are text, and no reason for a 500"),
    "create_valid_lone_surrogate": (200, "half a pair becomes U+FFFD, as everywhere in the field"),
    "create_invalid_amount_200k_digits": (400, "amounts are bounded"),
    "create_amount_2^128": (400, "no message on TON can carry it"),
    "get_after_create_valid_amount_huge": (404, "it was refused"),
    "list_limit_0": (400, "api.md: 1 to 1000, else 400"),
    "list_all": (400, "api.md: 1 to 1000, else 400"),
    "list_with_unconfigured_currency": (400, "api.md: 1 to 1000, else 400; what it is about is tested below"),
    "list_status_param": (200, "the original ignored the parameter; ours lists what has the status"),
}
ADDED = {"next", "prev"}
"""Members of a list that the original did not have."""
DEEP = "[" * 9_000
"""Past what Python's own parser reads."""
WRITTEN_OTHERWISE: Mapping[str, tuple[str, str, str]] = {
    "create_valid_nul_in_private_info": (r"\u0000", "", "ours says what is stored: without U+0000"),
    "create_life_time_1e10": ("-6651451056", "11795293018", "the original's arithmetic overflowed"),
}
REFUSED_BY_US = {
    "01a1ffcd-7980-7e78-887d-165186e69206": "an amount of 60 digits",
    "01a1ffcd-79d4": "a life of -1 s",
    "01a1ffcd-79d9-73b6-8aec-f053890229d4": "a life of 10^10 s, which the original took for the past",
    "01a1ffee-37f4-7d66-9414-db5c2e6481bf": "an amount of 2^128",
}
_ID = re.compile(r'"id":"([^"]+)"')
_PAYLOAD = re.compile(r"(bin=)?(te6cc[A-Za-z0-9+/_-]+=*)")


def of(*configs: str) -> list[Exchange]:
    """The exchanges of these configurations, in the order they were made."""
    return [exchange for exchange in EXCHANGES if exchange["config"] in configs]


def invoices_in(exchange: Exchange) -> list[dict[str, Any]]:
    """The invoices that the original showed in an answer."""
    text = exchange["response_body"]
    if DEEP in text or not text.startswith('{"i'):
        return []
    found = _read(text)
    shown: list[dict[str, Any]] = found.get("invoices", [found] if "status" in found else [])
    return shown


def _read(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


class Replay:
    """Sends the original's requests, having brought each invoice into the state that the original's had."""

    def __init__(self, api: Api, known: list[Exchange]) -> None:
        self.api = api
        self.ids: dict[str, str] = {}
        """The original's ids to ours."""
        made = {invoices_in(exchange)[0]["id"] for exchange in known if _creates(exchange) and invoices_in(exchange)}
        seen = {invoice["id"]: invoice for exchange in known for invoice in invoices_in(exchange)}
        self._unmade = [seen[number] for number in sorted(seen) if number not in made and not _refused(number)]

    async def ask(self, exchange: Exchange) -> Answer:
        """Send one request as the original got it."""
        body = exchange["body"]
        if body and body.startswith("(200230 bytes)"):
            body = EXCHANGES[0]["body"].replace('"1500000000"', f'"{"9" * 200_000}"')
        for invoice in invoices_in(exchange):
            self._set_clock(invoice["created_at"] if _creates(exchange) else invoice["updated_at"])
            await (self._make_earlier(invoice["id"]) if _creates(exchange) else self._arrange(invoice, exchange))
        path = self._in_our_ids(exchange["path"])
        answer = await self.api.ask(exchange["method"], path, body and body.encode(), exchange["headers"])
        if _creates(exchange) and answer.status == exchange["status"] == 200:
            theirs, ours = (_ID.search(text) for text in (exchange["response_body"], answer.text))
            assert theirs
            assert ours
            self.ids[theirs[1]] = ours[1]
        return answer

    def expected(self, exchange: Exchange) -> Any:
        """The original's answer, with our ids in it."""
        text = exchange["response_body"]
        if exchange["name"] in WRITTEN_OTHERWISE:
            old, new, _ = WRITTEN_OTHERWISE[exchange["name"]]
            text = text.replace(old, new)
        found = _read(self._in_our_ids(_PAYLOAD.sub(self._our_payload, text)))
        if "invoices" in found:
            there = [not _refused(invoice["id"]) for invoice in invoices_in(exchange)]
            found["invoices"] = list(compress(found["invoices"], there))
        return found

    def answered(self, answer: Answer) -> Any:
        """Our answer, without invoices that the original failed to make."""
        found = _read(answer.text)
        if "invoices" in found:
            shown = {ours for theirs, ours in self.ids.items() if not _refused(theirs)}
            found["invoices"] = [invoice for invoice in found["invoices"] if invoice["id"] in shown]
            found = {name: value for name, value in found.items() if name not in ADDED}
        return found

    async def _make_earlier(self, number: str) -> None:
        """Make those invoices whose making was not recorded, and that came before this one."""
        while self._unmade and self._unmade[0]["id"] < number:
            await self._make(self._unmade.pop(0))

    async def _make(self, theirs: dict[str, Any]) -> None:
        body = {
            "amount": theirs["amount"],
            "currency": theirs["currency"],
            "life_time": theirs["expire_at"] - theirs["created_at"],
            "private_info": theirs.get("private_info", {}),
            "metadata": theirs.get("metadata", {"merchant_name": "any"}),
        }
        now = self.api.clock.now
        self._set_clock(theirs["created_at"])
        answer = await self.api.ask("POST", f"{PRIVATE}/invoice", json.dumps(body, default=float).encode())
        self._set_clock(int(now.timestamp()))
        assert answer.status == 200, answer.text
        self.ids[theirs["id"]] = json.loads(answer.text)["id"]

    async def _arrange(self, theirs: dict[str, Any], exchange: Exchange) -> None:
        """See to it that ours is in the state of theirs."""
        if _refused(theirs["id"]):
            return
        await self._make_earlier(theirs["id"] + "~")
        ours = UUID(self.ids[theirs["id"]])
        shown = json.loads((await self.api.ask("GET", f"{PRIVATE}/invoices/{ours}")).text)
        if shown["status"] == theirs["status"] or exchange["path"].endswith("/cancel"):
            return
        if theirs["status"] == "cancelled":
            await self.api.ask("POST", f"{PRIVATE}/invoices/{ours}/cancel")
        if theirs["status"] == "expired":
            await self.api.record(datetime.fromtimestamp(theirs["expire_at"], UTC) + timedelta(seconds=1))
        if theirs["status"] == "paid":
            amount = int(theirs["amount"]) + int(theirs["overpayment"])
            await self.api.pay(ours, amount, theirs["paid_by"], theirs["tx_hash"], theirs["paid_at"])

    def _set_clock(self, seconds: int) -> None:
        self.api.clock.now = datetime.fromtimestamp(seconds, UTC)

    def _in_our_ids(self, text: str) -> str:
        for theirs, ours in self.ids.items():
            for form in (str, str.upper, lambda number: number.replace("-", "")):
                text = text.replace(form(theirs), form(ours))
        return text

    def _our_payload(self, found: re.Match[str]) -> str:
        text = found[2].translate(str.maketrans("-_", "+/"))
        boc = base64.b64decode(text + "=" * (-len(text) % 4))
        for theirs, ours in self.ids.items():
            boc = boc.replace(UUID(theirs).bytes, UUID(ours).bytes)
        encoded = base64.b64encode(boc).decode()
        return "bin=" + encoded.rstrip("=").translate(str.maketrans("+/", "-_")) if found[1] else encoded


def _creates(exchange: Exchange) -> bool:
    return bool(exchange["method"] == "POST" and exchange["path"].endswith("/invoice"))


def _refused(number: str) -> bool:
    return number.startswith(tuple(REFUSED_BY_US))


@asynccontextmanager
async def replaying(database_uri: str, settings: Mapping[str, str], *configs: str) -> AsyncIterator[Replay]:
    """Yield a server with these settings and the replay of what was recorded with these configurations."""
    domain = "pay.example.org" if settings is SETTINGS else None
    async with serving(database_uri, ManualClock(), settings, domain) as api:
        yield Replay(api, of(*configs))


async def compare(replay: Replay, exchange: Exchange) -> list[str]:
    """Send a request; return what is not as it was."""
    answer = await replay.ask(exchange)
    status, _ = OTHER_STATUS.get(exchange["name"], (exchange["status"], ""))
    if answer.status != status:
        return [f"{exchange['name']}: {answer.status} instead of {status}: {answer.text[:200]}"]
    if exchange["name"] in OTHER_STATUS:
        return []
    return [f"{exchange['name']}: {text}" for text in _differences(replay, exchange, answer)]


def _differences(replay: Replay, exchange: Exchange, answer: Answer) -> Iterator[str]:
    kind = answer.headers.get("Content-Type")
    if kind != exchange["content_type"]:
        yield f"content type {kind} instead of {exchange['content_type']}"
    if exchange["content_type"] != "application/json" or not exchange["response_body"]:
        if answer.text != exchange["response_body"]:
            yield f"{answer.text!r} instead of {exchange['response_body']!r}"
    elif exchange["status"] >= 400:
        if not _read(answer.text).keys() >= {"error", "code", "request_id"}:
            yield f"an error without its members: {answer.text}"
    elif DEEP in exchange["response_body"]:
        if f'"private_info":{{"a":{DEEP}{"]" * 9_000}}}' not in answer.text:
            yield "not nested as it came"
    elif replay.answered(answer) != (expected := replay.expected(exchange)):
        yield f"{answer.text}\ninstead of\n{expected}"


@pytest.mark.parametrize(
    ("configs", "settings"),
    [
        (("main", "main_db_forms"), SETTINGS),
        (("nokey_nojetton",), BARE),
        (("paid",), SETTINGS),
    ],
    ids=["main", "nokey_nojetton", "paid"],
)
async def test_answers_are_those_that_existing_users_know(
    configs: tuple[str, ...], settings: Mapping[str, str], database_uri: str
) -> None:
    """Every recorded exchange gives the same status, content type, error form and members."""
    async with replaying(database_uri, settings, *configs) as replay:
        wrong = [text for exchange in of(*configs) for text in await compare(replay, exchange)]
    assert not wrong, "\n".join(wrong)


async def test_invoices_of_a_currency_that_is_gone_are_listed(database_uri: str) -> None:
    """The original answered 500 to every page with such an invoice."""
    async with replaying(database_uri, SETTINGS, "main") as replay:
        for exchange in of("main")[:64]:
            await replay.ask(exchange)
    async with serving(database_uri, ManualClock(), BARE) as api:
        listed = json.loads((await api.ask("GET", f"{PRIVATE}/invoices?limit=1000")).text)["invoices"]
        [jetton] = [invoice for invoice in listed if invoice["currency"] == "SUSD"]
        shown = await api.ask("GET", f"{PRIVATE}/invoices/{jetton['id']}")
    assert json.loads(shown.text) == jetton
    assert jetton["jetton_info"]["decimals"] == 6
