"""Tari's settings: every form, and every mistake named."""

from functools import partial

import pytest

from harvester_tari.address import Network
from harvester_tari.settings import TariSettings
from tests.contract.settings import mistakes_in
from tests.tari.builders import ADDRESS, DUAL_ADDRESS, NOBODYS
from tests.tari.vectors import vector

WALLET = "TPG_PAYMENT_WALLET_ADDRESS"
mistakes = partial(mistakes_in, TariSettings)


def load(**environ: str) -> TariSettings:
    """Load settings of which the needed one is right."""
    return TariSettings.load({WALLET: str(ADDRESS)} | environ)


def test_the_least_is_a_wallet() -> None:
    settings = load()
    assert settings.tpg_payment_wallet_address == ADDRESS
    assert (settings.network, settings.number_prefix) == (Network.MAINNET, None)
    assert not settings.tpg_disable_wallet_whitelist


def test_without_a_wallet_there_is_no_start_and_no_wallet_of_somebody_else() -> None:
    (mistake,) = mistakes({})
    assert mistake.startswith(f"{WALLET}: is not set")


def test_the_network_is_that_of_the_wallet() -> None:
    assert load(TPG_PAYMENT_WALLET_ADDRESS=vector("synthetic: dual address")["base58"]).network is Network.ESMERALDA
    assert load(TPG_PAYMENT_WALLET_ADDRESS=DUAL_ADDRESS.to_emoji()).tpg_payment_wallet_address == DUAL_ADDRESS


@pytest.mark.parametrize(("text", "value"), [("1", True), ("true", True), ("0", False), ("false", False)])
def test_flags_are_read(text: str, value: bool) -> None:
    assert load(TPG_DISABLE_WALLET_WHITELIST=text).tpg_disable_wallet_whitelist is value


@pytest.mark.parametrize(("field", "prefix"), [("id", ""), ("name", "#")])
def test_numbers_in_memos_name_orders_where_memos_need_no_signature(field: str, prefix: str) -> None:
    unsigned = {"TPG_DISABLE_MEMO_SIGNATURE_CHECK": "1", "TPG_SHOPIFY_ORDER_ID_FIELD": field}
    assert load(**unsigned).number_prefix == prefix
    assert load(**unsigned | {"TPG_DISABLE_MEMO_SIGNATURE_CHECK": "0"}).number_prefix is None


@pytest.mark.parametrize(
    ("switched_on", "headers"),
    [
        ((), {"X-Forwarded-For", "Forwarded"}),
        (("TPG_USE_FORWARDED", "TPG_USE_X_FORWARDED_FOR"), {"X-Forwarded-For", "Forwarded"}),
        (("TPG_USE_X_FORWARDED_FOR",), {"X-Forwarded-For"}),
        (("TPG_USE_FORWARDED",), {"Forwarded"}),
    ],
)
def test_the_headers_of_proxies_are_those_that_are_switched_on(switched_on: tuple[str, ...], headers: set[str]) -> None:
    assert load(**dict.fromkeys(switched_on, "1")).proxy_headers == headers


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        (WALLET, "14", "must be an address: a Tari address is"),
        (WALLET, str(NOBODYS), "nobody's"),
        ("TPG_USE_FORWARDED", "yes", "must be 1, true, 0 or false"),
        ("TPG_USE_X_FORWARDED_FOR", "TRUE", "must be 1, true, 0 or false"),
        ("TPG_DISABLE_MEMO_SIGNATURE_CHECK", "on", "must be 1, true, 0 or false"),
        ("TPG_SHOPIFY_ORDER_ID_FIELD", "alt_id", "must be id or name"),
    ],
)
def test_a_mistake_names_the_variable_and_what_is_allowed(name: str, value: str, says: str) -> None:
    (mistake,) = mistakes({WALLET: str(ADDRESS)} | {name: value})
    assert mistake.startswith(f"{name}: ")
    assert says in mistake
