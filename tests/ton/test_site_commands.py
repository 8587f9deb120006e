"""`harvester key` and `harvester site config`: what they write, and what they keep to themselves."""

import json
import stat
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from harvester.chain import CommandContext
from harvester.domain.errors import ConfigurationError
from harvester_ton.commands import key, site
from harvester_ton.merchant_key import adnl_address, derive_seed, site_name
from tests.ton import sealed

KEY = bytes(range(32)).hex()
ADDRESS = "b7d1a82f59883a5bf685681a4825352a737d785f9f5eb499c489dcaf9c1d4ff5"
SETTINGS = {
    "KEY": KEY,
    "EXTERNAL_IP": "192.0.2.7",
    "NETWORK_CONFIG": "https://config.example/global.json",
    "SITE": "127.0.0.1:8082",
}


def run(*arguments: str, environ: Mapping[str, str] = SETTINGS) -> Result:
    """Run a command of the group that its first word names."""
    context = CommandContext(lambda names: {name: environ[name] for name in names if name in environ})
    group = {"key": key, "site": site}[arguments[0]]
    return CliRunner().invoke(group, arguments[1:], obj=context)


def mistakes(result: Result) -> list[str]:
    """Return what is said of wrong settings."""
    assert isinstance(result.exception, ExceptionGroup)
    assert all(isinstance(error, ConfigurationError) for error in result.exception.exceptions)
    return [str(error) for error in result.exception.exceptions]


def mode(path: Path) -> int:
    """Who may do what with a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_the_name_of_a_site_is_written_as_ton_writes_it() -> None:
    published = bytes.fromhex("45061c1d4ec44a937d0318589e13c73d151d1cef5d3c0e53afbcf56a6c2fe2bd")
    assert site_name(published) == "vcqmha5j3ceve35ammfrhqty46rkhi455otydstv66pk2tmf7rl25f3.adnl"


@given(st.binary(min_size=32, max_size=32))
def test_names_of_sites_have_one_length_and_differ(address: bytes) -> None:
    name = site_name(address)
    assert len(name) == 55 + len(".adnl")
    assert name != site_name(bytes((address[0] ^ 1, *address[1:])))


def test_a_key_is_shown_without_the_key_unless_that_is_asked_for() -> None:
    shown = run("key", "show")
    assert shown.exit_code == 0
    assert site_name(bytes.fromhex(ADDRESS)) in shown.output
    assert KEY not in shown.output
    facts = json.loads(run("key", "show", "--json").output)
    assert facts["adnl_address"] == ADDRESS
    assert facts["encryption_key"] == sealed.public_key(sealed.meta_seed(bytes.fromhex(KEY))).hex()
    assert "key" not in facts
    assert json.loads(run("key", "show", "--json", "--reveal").output) == facts | {"key": KEY}


@pytest.mark.parametrize(
    ("environ", "expected"), [({}, "KEY: is not set"), ({"KEY": "secret" * 9}, "KEY: must be 32 bytes in hex")]
)
def test_a_missing_or_wrong_key_is_told_without_repeating_it(environ: dict[str, str], expected: str) -> None:
    (mistake,) = mistakes(run("key", "show", environ=environ))
    assert mistake.startswith(expected)
    assert "secret" not in mistake


def test_a_new_key_goes_to_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "key"
    made = run("key", "generate", str(path), "--json", environ={})
    new = path.read_text().strip()
    assert (made.exit_code, mode(path), len(bytes.fromhex(new))) == (0, 0o600, 32)
    assert new not in made.output
    assert json.loads(made.output) == json.loads(run("key", "show", "--json", environ={"KEY": new}).output)
    again = run("key", "generate", str(path))
    assert (again.exit_code, path.read_text().strip()) == (2, new)
    assert "exists" in again.output


def test_a_new_key_is_shown_only_if_that_is_asked_for(tmp_path: Path) -> None:
    assert run("key", "generate").exit_code == 2
    revealed = [json.loads(run("key", "generate", "--reveal", "--json").output)["key"] for _ in range(2)]
    assert len(set(revealed)) == 2
    nowhere = run("key", "generate", str(tmp_path / "no" / "folder"))
    assert (nowhere.exit_code, "cannot be written" in nowhere.output) == (2, True)


def test_the_proxy_gets_what_it_needs_in_a_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text("something older, and readable by everybody")
    path.chmod(0o644)
    done = run("site", "config", "--output", str(path))
    config = json.loads(path.read_text())
    seed = b64decode(config.pop("private_key"))
    assert config == {
        "proxy_pass": "http://127.0.0.1:8082/",
        "external_ip": "192.0.2.7",
        "listen_ip": "0.0.0.0",  # noqa: S104 # what is written, not bound
        "network_config_url": "https://config.example/global.json",
        "port": 3333,
        "version": 1,
    }
    assert seed == derive_seed(bytes.fromhex(KEY), "adnl")
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]
    assert done.output.startswith(site_name(bytes.fromhex(ADDRESS)))
    assert KEY not in done.output
    assert seed.hex() not in done.output


def test_the_proxys_key_makes_the_address_that_payloads_carry() -> None:
    seed = derive_seed(bytes.fromhex(KEY), "adnl")
    assert adnl_address(bytes.fromhex(KEY)).hex() == ADDRESS
    assert bytes(SigningKey(seed).verify_key) == sealed.public_key(seed)


@pytest.mark.parametrize(
    ("listener", "upstream"),
    [
        ("0.0.0.0:8082", "http://127.0.0.1:8082/"),
        ("[::]:8082", "http://[::1]:8082/"),
        ("[fd00::1]:80", "http://[fd00::1]:80/"),
        ("harvester:8082", "http://harvester:8082/"),
    ],
)
def test_the_proxy_is_told_where_to_reach_the_listener(tmp_path: Path, listener: str, upstream: str) -> None:
    for arguments, environ in (((), SETTINGS | {"SITE": listener}), (("--upstream", listener), SETTINGS)):
        path = tmp_path / "config.json"
        assert run("site", "config", "--output", str(path), *arguments, environ=environ).exit_code == 0
        assert json.loads(path.read_text())["proxy_pass"] == upstream


def test_a_network_config_that_is_a_file_needs_a_url_for_the_proxy(tmp_path: Path) -> None:
    environ = SETTINGS | {"NETWORK_CONFIG": "/etc/ton.json"}
    (mistake,) = mistakes(run("site", "config", environ=environ))
    assert "--network-config-url" in mistake
    path, url = tmp_path / "config.json", "https://other.example/config"
    given = ("--output", str(path), "--network-config-url", url, "--udp-port", "9000", "--listen-ip", "192.0.2.7")
    assert run("site", "config", *given, environ=environ).exit_code == 0
    config = json.loads(path.read_text())
    assert (config["network_config_url"], config["port"], config["listen_ip"]) == (url, 9000, "192.0.2.7")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KEY", "00"),
        ("EXTERNAL_IP", "::1"),
        ("EXTERNAL_IP", "pay.example"),
        ("NETWORK_CONFIG", "https://"),
        ("NETWORK_CONFIG", "https://[config.example/"),
        ("SITE", "off"),
        ("SITE", "8082"),
        ("SITE", "127.0.0.1:99999"),
        ("SITE", "user@host:80"),
        ("SITE", "host:80/path"),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_is_written(tmp_path: Path, name: str, value: str) -> None:
    path = tmp_path / "config.json"
    (mistake,) = mistakes(run("site", "config", "--output", str(path), environ=SETTINGS | {name: value}))
    assert mistake.startswith(f"{name}: must be")
    missing = {key: given for key, given in SETTINGS.items() if key != name}
    (mistake,) = mistakes(run("site", "config", "--output", str(path), environ=missing))
    assert mistake.startswith(f"{name}: is not set")
    assert list(tmp_path.iterdir()) == []


def test_what_the_proxy_cannot_listen_on_is_refused(tmp_path: Path) -> None:
    for address in ("::", "everywhere", "127.0.0.1:3333"):
        done = run("site", "config", "--output", str(tmp_path / "config.json"), "--listen-ip", address)
        assert (done.exit_code, "must be an IPv4 address" in done.output) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = run("site", "config", "--output", str(tmp_path / "no" / "config.json"))
    assert (done.exit_code, "--output cannot be written" in done.output) == (2, True)
