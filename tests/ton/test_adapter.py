"""The adapter as the core sees it: currencies, payment requests, health, findings, metrics."""

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from harvester.chain import AdapterContext, Batch, Finding
from harvester.domain.errors import InvalidInput
from harvester.domain.invoice import ByHand, Invoice
from harvester.domain.money import Currency
from harvester_demo.loopback import serving
from harvester_ton.adapter import TonAdapter
from harvester_ton.address import format_address
from harvester_ton.devnet.accounts import raw_address
from harvester_ton.devnet.local import LocalTon
from harvester_ton.plugin import plugin
from tests.contract.recording import running
from tests.invoices import waiting_invoice
from tests.ton.watching import Notebook, build, environ, eventually, needs_chain, scanning

RECIPIENT = "0:81" + "0" * 60 + "88"
MASTER = "0:" + "be" * 32
SERVER = "127.0.0.1:1:WECwrZEHA4XhZP+hJeANQYsbmtsOn3UI+JO0QLUYkMY="
KEY = bytes(range(32)).hex()
INVOICE_ID = UUID("0195ec3c-ee40-757e-8af7-fb3dc377a726")
NOW = datetime(2025, 4, 7, tzinfo=UTC)


def adapter(**more: str) -> TonAdapter:
    """Return an adapter that is not running."""
    return build({"RECIPIENT": RECIPIENT, "LITE_SERVERS": SERVER, "VERIFY": "none"} | more)


def invoice(asset: str = "ton", decimals: int = 9, pay_to_address: str = RECIPIENT) -> Invoice:
    """Return the invoice of the published examples."""
    return waiting_invoice(
        NOW,
        id=INVOICE_ID,
        amount=100_000_000,
        ticker="ANY",
        chain="ton",
        asset=asset,
        decimals=decimals,
        pay_to_address=pay_to_address,
        expires_at=datetime.fromtimestamp(1744066284, UTC),
    )


def test_the_coin_and_the_jettons_are_currencies() -> None:
    most = 2**120 - 1
    assert adapter(TON_TICKER="GRAM", JETTONS=f"USD 6 {MASTER}").currencies() == [
        Currency("GRAM", "ton", "ton", 9, most),
        Currency("USD", "ton", f"jetton:{MASTER}", 6, most),
    ]


def test_coins_are_asked_for_as_wallets_expect() -> None:
    request = adapter(PAYMENT_PREFIXES="myw https://w.example/").payment_request(invoice())
    rest = (
        "transfer/UQCBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAiJ2x?amount=100000000"
        "&bin=te6ccgEBAQEAFwAAKnqiPrUBlew87kB1for3-z3Dd6cmAA&exp=1744066284"
    )
    assert request.links == {
        "universal": f"ton://{rest}",
        "tonkeeper": f"https://app.tonkeeper.com/{rest}",
        "myw": f"https://w.example/{rest}",
    }
    assert request.payload == "te6ccgEBAQEAFwAAKnqiPrUBlew87kB1for3+z3Dd6cmAA=="
    assert request.details == {}


def test_a_key_puts_the_merchants_site_into_the_payload() -> None:
    payload = adapter(KEY="00" * 32).payment_request(invoice()).payload
    site = "bdcff50bf305a057aa75c3e309723883cc48341d2c22479a5c9b9b130d4c8d38"
    assert base64.b64decode(payload or "").hex().endswith(f"01{site}")


def test_jettons_are_asked_for_even_when_they_are_no_longer_taken() -> None:
    other = "0:" + "99" * 32
    request = adapter().payment_request(invoice(f"jetton:{MASTER}", 6, other))
    assert all("jetton=EQC-vr6-" in link and "/transfer/EQCZmZmZ" in link for link in request.links.values())
    assert request.details == {"jetton_info": {"address": MASTER, "decimals": 6}}


def test_by_hand_the_id_is_the_comment_and_connected_wallets_are_asked_for_coins_alone() -> None:
    coins, jettons = adapter().payment_request(invoice()), adapter().payment_request(invoice(f"jetton:{MASTER}", 6))
    address = "UQCBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAiJ2x"
    assert coins.by_hand == ByHand(address, str(invoice().id))
    assert coins.connect == {"messages": [{"address": address, "amount": "100000000", "payload": coins.payload}]}
    assert jettons.by_hand == ByHand(format_address(RECIPIENT, bounceable=True), str(invoice().id))
    assert jettons.connect is None


def test_addresses_are_made_canonical() -> None:
    assert adapter().parse_address("UQCBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAiJ2x") == RECIPIENT
    with pytest.raises(InvalidInput):
        adapter().parse_address("UQ")


def test_before_it_runs_it_is_not_ready_and_says_why() -> None:
    health = adapter(JETTONS=f"USD 6 {MASTER}").health()
    assert (health.ready, health.head_time, health.scanned_until) == (False, None, None)
    assert any("no lite server" in reason for reason in health.reasons)
    assert any(reason.startswith("USD: ") for reason in health.reasons)


def test_the_command_line_loads_the_plugin_without_cryptography() -> None:
    heavy = {"pytoniq", "pytoniq_core", "nacl", "pydantic", "aiohttp", "structlog"}
    code = f"import sys, harvester_ton.plugin; print({heavy} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.strip() == "set()"


def test_commands_are_loaded_when_they_are_called() -> None:
    commands = {command.name: command for command in plugin.commands}
    assert set(commands) == {"ton", "dev", "key", "site"}


class TestBeforeAChain:
    """What needs a chain to look at."""

    pytestmark = needs_chain

    @pytest.fixture
    async def ton(self) -> AsyncIterator[LocalTon]:
        """A chain with two servers and two jettons."""
        async with LocalTon(lite_servers=2, block_seconds=0.05) as chain:
            yield chain

    async def test_check_finds_nothing_wrong_where_nothing_is(self, ton: LocalTon) -> None:
        await ton.deploy_wallet("merchant")
        await ton.pay(ton.wallet("merchant").address, 5, "USDX")
        findings = await build(environ(ton, ["USDX", "EURX"])).check()
        assert all(finding.ok for finding in findings), findings
        assert len(findings) == 1 + 2 + 1 + 2
        assert any("names the recipient" in finding.message for finding in findings)
        assert any("not deployed yet" in finding.message for finding in findings)

    async def test_check_names_everything_that_is_wrong(self, ton: LocalTon) -> None:
        await ton.set_faults("refuse", server=1)
        nobody = "0:" + "77" * 32
        wrong = [f for f in await build(environ(ton, JETTONS=f"BAD 9 {nobody}")).check() if not f.ok]
        assert [finding.subject.partition(" ")[0] for finding in wrong] == ["lite", "recipient", "jetton"]
        assert "cannot be reached" in wrong[0].message
        assert "not initialised" in wrong[1].message
        assert "get_wallet_address" in wrong[2].message

    async def test_check_without_any_server_says_so(self, ton: LocalTon) -> None:
        await ton.set_faults("refuse")
        findings = await build(environ(ton)).check()
        assert Finding(False, "RECIPIENT", "cannot be looked at: no lite server is usable") in findings

    async def test_metrics_exist_from_the_start_and_name_no_address(self, ton: LocalTon) -> None:
        registry = CollectorRegistry()
        context = AdapterContext(lambda: datetime.now(UTC), registry, environ(ton, ["USDX"]))
        built = plugin.build(context)
        before = generate_latest(registry).decode()
        assert 'harvester_ton_scanned_timestamp_seconds{account="USDX"} 0.0' in before
        ledger = Notebook()
        async with running(built, ledger):
            await eventually(lambda: built.health().ready)
            await ton.pay(ton.wallet("merchant").address, 5)
            await ledger.until(1)
            name = f"127.0.0.1:{ton.servers[0].port}"
            shown = generate_latest(registry).decode()
        assert f'harvester_ton_node_up{{node="{name}"}} 1.0' in shown
        assert f'harvester_ton_node_requests_total{{node="{name}",result="unwell"}} 0.0' in shown
        assert 'harvester_ton_transactions_total{account="TON"} 1.0' in shown
        assert raw_address(ton.wallet("merchant").address).partition(":")[2] not in shown

    async def test_the_servers_come_from_a_network_config_file(self, ton: LocalTon, tmp_path: Path) -> None:
        file = tmp_path / "global.json"
        file.write_text(json.dumps(ton.network_config()))
        ledger = Notebook()
        async with scanning(ton, ledger, LITE_SERVERS="", NETWORK_CONFIG=str(file)) as built:
            await eventually(lambda: built.health().ready)

    async def test_a_network_config_url_is_fetched_as_soon_as_it_answers(self, ton: LocalTon) -> None:
        answers = [web.Response(status=503), web.Response(text="not json"), web.Response(text="x" * (2 << 20))]

        async def serve(_: web.Request) -> web.Response:
            return answers.pop(0) if answers else web.json_response(ton.network_config())

        application = web.Application()
        application.router.add_get("/global.json", serve)
        async with serving(application) as port:
            url = f"http://127.0.0.1:{port}/global.json"
            async with scanning(ton, Notebook(), LITE_SERVERS="", NETWORK_CONFIG=url) as built:
                await eventually(lambda: any("network config" in reason for reason in built.health().reasons))
                await eventually(lambda: built.health().ready)
        assert answers == []

    async def test_an_old_newest_block_makes_it_unready(self, ton: LocalTon) -> None:
        late = datetime.now(UTC) + timedelta(minutes=10)
        built = TonAdapter(build(environ(ton))._settings, AdapterContext(lambda: late, CollectorRegistry(), {}))
        async with running(built, Notebook()):
            await eventually(lambda: built.health().head_time is not None)
            assert any("the newest block is of" in reason for reason in built.health().reasons)
            assert not built.health().ready

    async def test_a_programming_error_ends_it(self, ton: LocalTon) -> None:
        class Broken(Notebook):
            async def record(self, batch: Batch) -> None:
                raise ZeroDivisionError(batch)

        with pytest.raises(ExceptionGroup) as caught:
            await build(environ(ton)).run(Broken(), asyncio.Event())
        assert caught.group_contains(ZeroDivisionError)
