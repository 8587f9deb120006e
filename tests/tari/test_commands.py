"""`harvester tari …`: keys and messages that verify, and what is wrong with those that do not."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from harvester.cli import harvester
from harvester_tari.address import Network, parse_address
from harvester_tari.claims import parse_claim
from harvester_tari.schnorr import SecretKey
from harvester_tari.signing_commands import SECRET_VARIABLE
from harvester_tari.strict_json import MAX_BYTES
from harvester_tari.wallet_messages import parse_incoming_payment, parse_tx_confirmation
from tests.tari.builders import ADDRESS, DUAL_ADDRESS, KEY, MAINNET, OTHER_ADDRESS
from tests.tari.vectors import body_of, vectors

SECRET = KEY.reveal()
MESSAGES = [vector for vector in vectors() if vector["kind"] in ("memo", "wallet_payment", "wallet_confirmation")]


def run(*arguments: str, stdin: str | bytes | None = None, **environ: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(harvester, ["tari", *arguments], input=stdin, env=environ)


def printed(*arguments: str, stdin: str | None = None, **environ: str) -> dict[str, Any]:
    """Return the JSON that a command prints, and nothing besides."""
    result = run(*arguments, stdin=stdin, **environ)
    assert (result.exit_code, result.stderr) == (0, "")
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def verdict(body: bytes | str) -> dict[str, Any]:
    """Return what `verify` prints, having looked at its exit status."""
    result = run("verify", "-", stdin=body)
    found: dict[str, Any] = json.loads(result.stdout)
    assert set(found) == {"valid", "reason"}
    assert (result.exit_code, found["reason"] is None) == ((0, True) if found["valid"] else (1, False))
    return found


@pytest.mark.parametrize("network", [network.label for network in Network])
@pytest.mark.parametrize("dual", [True, False])
def test_a_new_key_comes_with_its_address_in_every_form(network: str, dual: bool) -> None:
    found = printed("address", "-n", network, *(["--dual"] if dual else []))
    key = SecretKey.parse(found["secret_key"])
    address = parse_address(found["address"])
    assert parse_address(found["emoji"]) == parse_address(found["hex"]) == address
    assert address.spend_key == key.public_key == bytes.fromhex(found["public_key"])
    assert (address.network.label, address.view_key is not None) == (network, dual)
    assert found["payer"] == address.payer


def test_the_address_of_a_known_key_is_shown_without_the_secret() -> None:
    for found in (
        printed("address", "-s", SECRET),
        printed("address", "-s", "-", stdin=f"{SECRET}\n"),
        printed("address", **{SECRET_VARIABLE: SECRET}),
    ):
        assert found["address"] == str(ADDRESS)
        assert SECRET not in json.dumps(found)


def test_a_memo_claims_an_order() -> None:
    result = run("memo", "-s", SECRET, "-o", "#1006", "--address", str(DUAL_ADDRESS))
    claim = parse_claim(result.stdout, MAINNET)
    assert (claim.address, claim.order_id, claim.is_signed()) == (DUAL_ADDRESS, "#1006", True)
    assert verdict(result.stdout)["valid"]


def test_a_payment_has_what_was_given_and_defaults() -> None:
    least = run("payment", "-s", SECRET, "-x", str(OTHER_ADDRESS))
    message = parse_incoming_payment(least.stdout_bytes, MAINNET)
    assert message.is_signed()
    assert (message.nonce, message.content.amount_micro, message.content.txid) == (1, 250_000_000, "payment001")
    assert (message.content.memo, message.content.order_id) == (None, None)
    options = ("-c", "-5", "-a", "0.000001", "-t", "t9", "-m", 'é "🐢"', "-o", "#7", "-n", "esmeralda")
    message = parse_incoming_payment(
        run("payment", "-s", SECRET, "-x", DUAL_ADDRESS.to_emoji(), *options).stdout_bytes, None
    )
    assert message.is_signed()
    assert (message.nonce, message.content.amount_micro, message.content.txid) == (-5, 1, "t9")
    assert (message.content.memo, message.content.order_id) == ('é "🐢"', "#7")
    assert (message.content.sender, message.address.network) == (DUAL_ADDRESS, Network.ESMERALDA)


def test_a_confirmation_names_the_transaction() -> None:
    result = run("confirm", "-s", SECRET, "-c", "2", "-t", "t9")
    message = parse_tx_confirmation(result.stdout_bytes, MAINNET)
    assert (message.nonce, message.content.txid, message.is_signed()) == (2, "t9", True)
    assert verdict(result.stdout)["valid"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["memo", "-o", "1"], "--secret-key"),
        (["memo", "-s", SECRET[:-1], "-o", "1"], "64 hex digits"),
        (["memo", "-s", "f" * 64, "-o", "1"], "order of ristretto255"),
        (["memo", "-s", "-", "-o", "1"], "64 hex digits"),
        (["memo", "-s", SECRET, "-o", ""], "printable"),
        (["memo", "-s", SECRET, "-o", "1", "--address", str(OTHER_ADDRESS)], "spend key"),
        (["payment", "-s", SECRET], "--sender"),
        (["payment", "-s", SECRET, "-x", "14"], "a Tari address is"),
        (["payment", "-s", SECRET, "-x", str(ADDRESS), "-a", "0"], "more than 0"),
        (["payment", "-s", SECRET, "-x", str(ADDRESS), "-c", str(1 << 63)], "range"),
        (["payment", "-s", SECRET, "-x", str(ADDRESS), "-m", "\udcff"], "Unicode"),
        (["confirm", "-s", SECRET, "-t", "a b"], "visible ASCII"),
        (["address", "-n", "ton"], "mainnet"),
        (["verify", "/no/such/file"], "No such file"),
        (["verify"], "MESSAGE"),
        (["nonsense"], "nonsense"),
    ],
)
def test_a_mistake_is_told_and_is_no_verdict(arguments: list[str], says: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr
    assert SECRET[:-1] not in result.stderr


@pytest.mark.parametrize("vector", MESSAGES, ids=lambda vector: vector["id"])
def test_each_message_of_the_existing_server_is_judged_as_it_was(vector: dict[str, Any]) -> None:
    assert verdict(body_of(vector))["valid"] == (vector["expect"] == "valid")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "must be JSON"),
        ("{}", "address must be text"),
        (" " * (MAX_BYTES + 1), "bytes at most"),
        ('{"payment": {}, "confirmation": {}}', "not both"),
        ('{"payment": {}}', "payment.amount"),
        ('{"confirmation": {}, "auth": {}}', "txid"),
    ],
)
def test_what_is_no_message_is_not_valid_for_a_reason(body: str, says: str) -> None:
    assert says in verdict(body)["reason"]


@given(st.binary(max_size=100))
def test_any_file_gets_a_verdict(data: bytes) -> None:
    assert not verdict(data)["valid"]
