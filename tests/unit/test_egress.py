"""Webhooks of endpoints that anybody may name reach public addresses, and what the operator allows besides."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address, ip_network
from uuid import uuid4

import pytest
from standardwebhooks import Webhook

from harvester.domain.egress import EgressRules
from harvester.domain.errors import InvalidInput
from harvester.domain.webhooks import Message, Target
from harvester.webhooks.client import WebhookClient
from harvester.webhooks.egress import REFUSED
from tests.clock import ManualClock
from tests.receiver import Receiver, receiving

PUBLIC = ["1.1.1.1", "93.184.216.34", "172.15.0.1", "172.32.0.1", "100.63.255.255", "2606:4700::1111", "2a00:1450::1"]
SPECIAL = [
    "0.0.0.0",  # noqa: S104 - an address as such
    "127.0.0.1",
    "127.8.8.8",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.127.255.255",
    "192.0.0.170",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:1.1.1.1",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "100::1",
    "5f00::1",
]
EVERYTHING_V4 = (ip_network("127.0.0.0/8"),)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert EgressRules().allows(ip_address(address))


@pytest.mark.parametrize("address", SPECIAL)
def test_special_addresses_are_refused_unless_the_operator_allows_them(address: str) -> None:
    found = ip_address(address)
    assert not EgressRules().allows(found)
    assert EgressRules(networks=(ip_network(address),)).allows(found)


@pytest.mark.parametrize("address", SPECIAL)
def test_a_url_with_a_special_address_is_refused_at_once(address: str) -> None:
    url = f"https://[{address}]/" if ":" in address else f"https://{address}/"
    with pytest.raises(InvalidInput, match="WEBHOOK_ALLOW_NETWORKS"):
        EgressRules().check_url(url, local=False)
    assert EgressRules().check_url(url, local=True) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example/hook",
        "ftp://shop.example/",
        "file:///etc/passwd",
        "https://",
        "https:///hook",
        "https://shop.example:0/",
        "https://shop.example:99999/",
        "https://[::1/",
        "https://shop.example/a b",
        "https://shop.example/\nX: y",
        "https://shop.example/#part",
        "https://магазин.example/",
        "https://shop.example/" + "x" * 2048,
    ],
)
def test_what_is_no_usable_url_is_refused_even_for_the_operator(url: str) -> None:
    for local in (True, False):
        with pytest.raises(InvalidInput, match="url must"):
            EgressRules().check_url(url, local=local)


def test_plain_http_is_the_operators_to_allow() -> None:
    with pytest.raises(InvalidInput, match="WEBHOOK_ALLOW_HTTP"):
        EgressRules().check_url("http://shop.example/", local=False)
    assert EgressRules(allow_http=True).check_url("http://shop.example/", local=False)
    assert EgressRules().check_url("http://shop.example/", local=True)


@asynccontextmanager
async def sending(rules: EgressRules) -> AsyncIterator[tuple[WebhookClient, Receiver]]:
    async with receiving() as receiver, WebhookClient.open({}, ManualClock(), "1", rules=rules) as client:
        yield client, receiver


MESSAGE = Message(uuid4(), "invoice.paid", 2, b"{}")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0"])
async def test_no_form_of_a_private_host_is_connected_to(host: str) -> None:
    async with sending(EgressRules(allow_http=True)) as (client, receiver):
        outcome = await client.send(Target("theirs", f"http://{host}:{receiver.port}/hook"), MESSAGE)
    assert receiver.received == []
    assert outcome.status_code is None
    assert outcome.error is not None
    if host in {"127.0.0.1", "[::ffff:127.0.0.1]"}:
        assert outcome.error == REFUSED


async def test_a_name_is_judged_by_the_address_that_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = socket.getaddrinfo

    def lying(host: str, port: int, *rest: object, **more: object) -> object:
        asked.append(host)
        return real("127.0.0.1", port, *rest, **more) if host == "shop.example" else real(host, port, *rest, **more)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(socket, "getaddrinfo", lying)
    for rules, count in ((EgressRules(allow_http=True), 0), (EgressRules(True, EVERYTHING_V4), 1)):
        async with sending(rules) as (client, receiver):
            outcome = await client.send(Target("theirs", f"http://shop.example:{receiver.port}/hook"), MESSAGE)
        assert "shop.example" in asked
        assert len(receiver.received) == count
        assert outcome.error == (None if count else REFUSED)


async def test_plain_http_is_refused_at_sending_too() -> None:
    async with sending(EgressRules(networks=EVERYTHING_V4)) as (client, receiver):
        outcome = await client.send(Target("theirs", receiver.url), MESSAGE)
        assert receiver.received == []
    assert outcome.error == "plain http is refused (WEBHOOK_ALLOW_HTTP)"


async def test_a_local_endpoints_connection_is_not_lent_to_others() -> None:
    async with sending(EgressRules(allow_http=True)) as (client, receiver):
        assert (await client.send(Target("ours", receiver.url, local=True), MESSAGE)).delivered
        outcome = await client.send(Target("theirs", receiver.url), MESSAGE)
        assert (outcome.delivered, outcome.error) == (False, REFUSED)


async def test_during_a_rotation_both_secrets_sign() -> None:
    old, new = "whsec_" + "A" * 32, "whsec_" + "B" * 32
    async with sending(EgressRules()) as (client, receiver):
        target = Target("ours", receiver.url, local=True, secrets=(new, old))
        await client.send(target, MESSAGE)
    (request,) = receiver.received
    signatures = request.headers["webhook-signature"].split()
    assert len(signatures) == 2
    for secret, signature in zip((new, old), signatures, strict=True):
        made = Webhook(secret).sign(str(MESSAGE.event_id), ManualClock().now, request.body.decode())
        assert made == signature
    assert old not in repr(target)
