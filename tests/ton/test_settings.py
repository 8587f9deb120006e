"""TON's settings: every form, every mistake named, no secret repeated."""

import json
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester_ton.address import format_address
from harvester_ton.network_config import NetworkConfig
from harvester_ton.settings import Jetton, TonSettings
from harvester_ton.tl import BlockId
from harvester_ton.verification import start_from
from tests.contract.settings import mistakes_in

RECIPIENT = "0:" + "81" * 32
MASTER = "0:" + "be" * 32
KEY = "WECwrZEHA4XhZP+hJeANQYsbmtsOn3UI+JO0QLUYkMY="
SERVER = f"127.0.0.1:20003:{KEY}"
NEEDED = {"RECIPIENT": RECIPIENT, "LITE_SERVERS": SERVER, "VERIFY": "none"}
LISTED = {"ip": 2130706433, "port": 20003, "id": {"@type": "pub.ed25519", "key": KEY}}
mistakes_of = partial(mistakes_in, TonSettings)


def load(**environ: str) -> TonSettings:
    """Load settings of which the needed ones are right."""
    return TonSettings.load(NEEDED | environ)


def mistakes(**environ: str) -> list[str]:
    """Return what is said of settings with mistakes, of which the needed ones are right."""
    return mistakes_of(NEEDED | environ)


def test_the_least_is_a_recipient_and_a_server() -> None:
    settings = load()
    assert settings.recipient == RECIPIENT
    assert [str(server) for server in settings.lite_servers] == ["127.0.0.1:20003"]
    assert (settings.ton_ticker, settings.jettons, settings.verify, settings.key) == ("TON", (), "none", None)


def test_a_friendly_recipient_is_kept_in_raw_form() -> None:
    assert load(RECIPIENT=format_address(RECIPIENT, bounceable=False)).recipient == RECIPIENT


def test_host_names_and_ipv6_are_servers_too() -> None:
    servers = load(LITE_SERVERS=f"node.example:1:{KEY}, [::1]:65535:{KEY},").lite_servers
    assert [(server.host, server.port) for server in servers] == [("node.example", 1), ("::1", 65535)]


def test_jettons_are_read() -> None:
    settings = load(JETTONS=f"SUSD 6 {MASTER}, BIG 255 {format_address(RECIPIENT, bounceable=True)}")
    assert settings.jettons == (Jetton("SUSD", 6, MASTER), Jetton("BIG", 255, RECIPIENT))


def test_prefixes_are_added_to_the_usual_ones_and_may_replace_them() -> None:
    assert load(PAYMENT_PREFIXES="myw https://w.example/,universal ton2://").payment_prefixes == {
        "universal": "ton2://",
        "tonkeeper": "https://app.tonkeeper.com/",
        "myw": "https://w.example/",
    }


def test_lite_servers_come_from_a_config_file(tmp_path: Path) -> None:
    file = tmp_path / "global.json"
    file.write_text(json.dumps({"liteservers": [LISTED, LISTED | {"ip": -1}]}))
    config = TonSettings.load({"RECIPIENT": RECIPIENT, "NETWORK_CONFIG": str(file), "VERIFY": "none"}).network_config
    assert isinstance(config, NetworkConfig)
    assert [str(server) for server in config.servers] == ["127.0.0.1:20003", "255.255.255.255:20003"]
    assert config.anchor is None


def test_proofs_are_the_default_and_start_from_the_block_in_the_config(tmp_path: Path) -> None:
    file = tmp_path / "global.json"
    block = {"workchain": -1, "shard": -(1 << 63), "seqno": 5, "root_hash": "A" * 43 + "=", "file_hash": "A" * 43 + "="}
    file.write_text(json.dumps({"liteservers": [LISTED], "validator": {"zero_state": {}, "init_block": block}}))
    settings = TonSettings.load({"RECIPIENT": RECIPIENT, "NETWORK_CONFIG": str(file)})
    assert settings.verify == "proofs"
    assert isinstance(settings.network_config, NetworkConfig)
    assert settings.network_config.anchor == start_from(BlockId(-1, 1 << 63, 5, bytes(32), bytes(32)))


def test_proofs_need_a_block_to_trust(tmp_path: Path) -> None:
    (mistake,) = mistakes_of({"RECIPIENT": RECIPIENT, "LITE_SERVERS": SERVER})
    assert mistake.startswith("VERIFY: ")
    assert "NETWORK_CONFIG" in mistake
    assert "LITE_SERVERS" in mistake
    file = tmp_path / "global.json"
    file.write_text(json.dumps({"liteservers": [LISTED]}))
    (mistake,) = mistakes_of({"RECIPIENT": RECIPIENT, "NETWORK_CONFIG": str(file)})
    assert "a block to trust" in mistake


def test_a_config_url_is_not_fetched_yet() -> None:
    url = "https://ton.example/global.config.json"
    assert TonSettings.load({"RECIPIENT": RECIPIENT, "NETWORK_CONFIG": url}).network_config == url


def test_nothing_set_names_what_is_needed() -> None:
    first, second = sorted(mistakes_of({}))
    assert first.startswith("NETWORK_CONFIG: ")
    assert "LITE_SERVERS" in first
    assert second.startswith("RECIPIENT: is not set")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("RECIPIENT", "UQ", "raw (0: and 64 hex digits)"),
        ("RECIPIENT", "5:" + "81" * 32, "workchain 0 or -1"),
        ("LITE_SERVERS", "127.0.0.1:20003", "host:port:base64key"),
        ("LITE_SERVERS", f"127.0.0.1:0:{KEY}", "1 to 65535"),
        ("LITE_SERVERS", f"127.0.0.1:1:{KEY[:-2]}", "32 bytes in base64"),
        ("LITE_SERVERS", f"127.0.0.1:1:{'A' * 43}=", "Ed25519"),
        ("LITE_SERVERS", f"{SERVER},{SERVER}", "each server once"),
        ("LITE_SERVERS", f"a b:1:{KEY}", "host:port:base64key"),
        ("LITE_SERVERS", ",", "host:port:base64key"),
        ("NETWORK_CONFIG", "/no/such/file", "cannot be read"),
        ("NETWORK_CONFIG", "https://", "path or the http(s) URL"),
        ("NETWORK_CONFIG", "https://[", "path or the http(s) URL"),
        ("JETTONS", f"USD {MASTER}", "ticker decimals address"),
        ("JETTONS", f"USD 256 {MASTER}", "0 to 255"),
        ("JETTONS", f"USD -1 {MASTER}", "0 to 255"),
        ("JETTONS", "USD 6 nonsense", "address"),
        ("JETTONS", f"USD 6 {MASTER},USD 6 {RECIPIENT}", "each ticker"),
        ("JETTONS", f"USD 6 {MASTER},EUR 6 {MASTER}", "each jetton master"),
        ("JETTONS", f"TON 6 {MASTER}", "TON_TICKER"),
        ("PAYMENT_PREFIXES", "onlyname", "name prefix"),
        ("PAYMENT_PREFIXES", "x not-a-link", "name prefix"),
        ("TON_TICKER", "two words", "without spaces"),
        ("KEY", "zz", "32 bytes in hex"),
        ("EXTERNAL_IP", "::1", "public IPv4 address"),
        ("EXTERNAL_IP", "host.example", "public IPv4 address"),
        ("KEY", "00" * 31, "32 bytes in hex"),
        ("VERIFY", "maybe", "must be proofs or none"),
        ("START_LT", "-1", "whole number"),
        ("START_LT", str(1 << 64), "whole number"),
    ],
)
def test_a_mistake_names_the_variable_and_what_is_allowed(name: str, value: str, says: str) -> None:
    (mistake,) = mistakes(**{name: value})
    assert mistake.startswith(f"{name}: ")
    assert says in mistake


def test_all_mistakes_are_told_at_once() -> None:
    found = mistakes_of({"KEY": "x", "JETTONS": "x", "VERIFY": "x", "START_LT": "x", "NETWORK_CONFIG": "ftp://x"})
    assert {mistake.partition(":")[0] for mistake in found} == {
        "RECIPIENT",
        "KEY",
        "JETTONS",
        "VERIFY",
        "START_LT",
        "NETWORK_CONFIG",
    }


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"liteservers": []}', '{"liteservers": [{}]}', "\x00", "[" * 100_000]
)
def test_a_file_that_is_no_network_config_is_a_mistake(tmp_path: Path, text: str) -> None:
    file = tmp_path / "global.json"
    file.write_text(text)
    (mistake,) = mistakes(NETWORK_CONFIG=str(file))
    assert mistake.startswith("NETWORK_CONFIG: must be the path")


def test_the_coin_may_have_another_name() -> None:
    assert load(TON_TICKER="GRAM", JETTONS=f"TON 9 {MASTER}").ton_ticker == "GRAM"


@given(secret=st.text("0123456789abcdef", min_size=8, max_size=63))
def test_a_wrong_key_is_not_repeated(secret: str) -> None:
    assert not any(secret in mistake for mistake in mistakes(KEY=secret))


def test_a_right_key_is_not_shown() -> None:
    assert "1234" not in repr(load(KEY="1234" * 16))
