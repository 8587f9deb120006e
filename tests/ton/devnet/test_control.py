"""The control from outside: another process, HTTP, and a client on the lite server it names."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import sys
from collections.abc import AsyncIterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner
from pytoniq import LiteClient

from harvester_ton.devnet.boc import write_boc
from harvester_ton.devnet.commands import chain_command
from harvester_ton.devnet.control import Control
from harvester_ton.devnet.local import LocalTon, comment

MERCHANT = "0:" + "ab" * 32


class Http:
    """The control as a program sees it."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def get(self, path: str) -> dict[str, Any]:
        async with self._session.get(path) as response:
            return {"code": response.status, **await response.json()}

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        async with self._session.post(path, json=body) as response:
            return {"code": response.status, **await response.json()}


@pytest.fixture
async def http(ton: LocalTon) -> AsyncIterator[Http]:
    async with Control(ton) as control, aiohttp.ClientSession(control.url) as session:
        yield Http(session)


async def test_it_can_be_at_another_address_which_clients_are_told() -> None:
    """Another machine, or container, must find the lite servers by the network config."""
    host = "127.0.0.2"
    async with LocalTon(host=host) as ton, Control(ton, host=host) as control:
        (server,) = ton.network_config()["liteservers"]
        assert server["ip"] == int(IPv4Address(host))
        async with LiteClient.from_config(ton.network_config()) as client:
            assert client.last_mc_block.seqno > 0
        async with aiohttp.ClientSession(control.url) as session:
            status = await Http(session).get("/status")
    assert control.url.startswith(f"http://{host}:")
    assert status["lite_servers"][0]["host"] == host


@pytest.mark.parametrize("host", ["0.0.0.0", "localhost", "::1"])  # noqa: S104 - it is refused
def test_an_address_that_clients_cannot_be_told_is_refused(host: str) -> None:
    refused = CliRunner().invoke(chain_command, ["--host", host])
    assert refused.exit_code == 2
    assert "must be an IPv4 address" in refused.output


async def test_payments_show_in_the_chains_own_books(http: Http) -> None:
    status = await http.get("/status")
    master = status["jettons"][0]["master"]
    first = await http.post("/pay", to=MERCHANT, amount="1000000000", text="order 1")
    assert (first["code"], first["transactions"][-1]["account"]) == (200, MERCHANT)
    payload = base64.b64encode(write_boc(comment("order 2"))).decode()
    await http.post("/pay", to=MERCHANT, amount=5, asset="USDX", payload=payload, **{"from": "buyer2"})
    await http.post("/burst", payments=[{"to": MERCHANT, "amount": 1, "count": 3}, {"to": MERCHANT, "amount": 2}])
    account = await http.get(f"/account/{MERCHANT}")
    assert account["received"] == {
        "ton": "1000000006",
        f"jetton:{master}": "5",
        f"jetton:{status['jettons'][1]['master']}": "0",
    }
    assert account["transaction_count"] == 6


async def test_time_blocks_jettons_and_wallets_are_under_control(http: Http) -> None:
    before = await http.get("/status")
    assert (await http.post("/advance", seconds=60))["time"] >= before["time"] + 60
    assert (await http.post("/blocks/produce", count=3))["seqno"] == before["seqno"] + 3
    assert (await http.post("/blocks/stop"))["code"] == (await http.post("/blocks/resume"))["code"] == 200
    fake = await http.post("/jettons", ticker="USDX", decimals=6)
    assert fake["master"] != before["jettons"][0]["master"]
    assert (await http.post("/deploy"))["active"]


async def test_faults_are_set_and_shown(http: Http) -> None:
    await http.post("/faults", server="all", mode="lag", lag_blocks=2)
    [server] = (await http.get("/status"))["lite_servers"]
    assert (server["mode"], server["lag_blocks"]) == ("lag", 2)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/pay", {"to": "nonsense", "amount": 1}),
        ("/pay", {"to": MERCHANT, "amount": 1.5}),
        ("/pay", {"to": MERCHANT, "amount": -1}),
        ("/pay", {"to": MERCHANT}),
        ("/pay", {"to": MERCHANT, "amount": 1, "colour": "red"}),
        ("/pay", {"to": MERCHANT, "amount": 1, "payload": "%%"}),
        ("/faults", {"mode": "sulk"}),
        ("/faults", {"mode": "none", "server": 9}),
        ("/burst", {"payments": []}),
        ("/advance", {"seconds": -5}),
        ("/jettons", {"ticker": ""}),
    ],
)
async def test_a_wrong_request_is_answered_400_with_a_sentence(http: Http, path: str, body: dict[str, Any]) -> None:
    answer = await http.post(path, **body)
    assert answer["code"] == 400
    assert len(answer["error"]) > 8


async def test_the_command_runs_until_sigterm_and_tells_where_everything_is(tmp_path: Path) -> None:
    config_file = tmp_path / "network.json"
    script = "from harvester_ton.devnet.commands import chain_command as c; c()"
    options = ["--block-seconds", "0.05", "--lite-servers", "2", "--json", "--config-file", str(config_file)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, *options, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout
    try:
        facts = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
        config = json.loads(config_file.read_text())
        assert len(config["liteservers"]) == 2
        async with aiohttp.ClientSession(facts["control_url"]) as session:
            paid = await Http(session).post("/pay", to=MERCHANT, amount=7)
        async with LiteClient.from_config(config, 1, trust_level=1) as client:
            await client.wait_masterchain_seqno(paid["block_seqno"], 5000, "getTime")
            assert (await client.get_account_state(MERCHANT)).balance == 7
    finally:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
