"""Shopify's settings: every form, every mistake named, and nobody let in by mistake."""

from functools import partial

import pytest

from harvester_shopify.settings import ShopifySettings
from tests.contract.settings import mistakes_in

LEAST = {
    "TPG_SHOPIFY_SHOP": "shop.example.org",
    "TPG_SHOPIFY_ADMIN_ACCESS_TOKEN": "shpat_secret",
    "TPG_SHOPIFY_HMAC_SECRET": "webhooks",
}
UNSIGNED = {"TPG_SHOPIFY_HMAC_CHECKS": "0", "TPG_SHOPIFY_IP_WHITELIST": "10.0.0.5"}
mistakes = partial(mistakes_in, ShopifySettings)


def load(**environ: str) -> ShopifySettings:
    """Load settings of which those that are needed are right."""
    return ShopifySettings.load(LEAST | environ)


def test_the_least_is_a_shop_a_token_and_a_key() -> None:
    settings = load()
    assert str(settings.admin_url) == "https://shop.example.org/admin/api/2024-04"
    assert settings.tpg_shopify_price_field == "total_price"
    assert settings.admits(None)


@pytest.mark.parametrize("missing", sorted(LEAST))
def test_what_is_missing_is_named(missing: str) -> None:
    (mistake,) = mistakes({name: value for name, value in LEAST.items() if name != missing})
    assert mistake.startswith(f"{missing}: is not set")


@pytest.mark.parametrize("empty", ["", " \n"])
def test_an_empty_key_is_refused_while_it_is_checked(empty: str) -> None:
    (mistake,) = mistakes(LEAST | {"TPG_SHOPIFY_HMAC_SECRET": empty})
    assert mistake.startswith("TPG_SHOPIFY_HMAC_SECRET: is not set")
    assert not load(TPG_SHOPIFY_HMAC_SECRET="", **UNSIGNED).tpg_shopify_hmac_checks


@pytest.mark.parametrize("off", [{}, {"TPG_SHOPIFY_IP_WHITELIST": "none"}])
def test_without_a_key_and_a_list_there_is_no_start(off: dict[str, str]) -> None:
    (mistake,) = mistakes(LEAST | {"TPG_SHOPIFY_HMAC_CHECKS": "false"} | off)
    assert mistake.startswith("TPG_SHOPIFY_IP_WHITELIST: must say where")


@pytest.mark.parametrize("text", ["none", "false", "0"])
def test_a_list_can_be_off(text: str) -> None:
    assert load(TPG_SHOPIFY_IP_WHITELIST=text).admits("192.0.2.1")


def test_a_list_admits_what_is_in_it_and_nobody_unknown() -> None:
    settings = load(TPG_SHOPIFY_IP_WHITELIST="10.0.0.5, 192.0.2.0/24,2001:db8::/32")
    assert [settings.admits(each) for each in ("10.0.0.5", "192.0.2.77", "2001:db8::1")] == [True] * 3
    assert [settings.admits(each) for each in ("10.0.0.6", "2001:db9::1", None)] == [False] * 3


@pytest.mark.parametrize(
    ("field", "member"),
    [
        ("total", "total_price"),
        ("subtotal", "subtotal_price"),
        ("line_items", "total_line_items_price"),
        ("line", "total_line_items_price"),
    ],
)
def test_the_price_is_the_member_that_is_named(field: str, member: str) -> None:
    assert load(TPG_SHOPIFY_PRICE_FIELD=field).tpg_shopify_price_field == member


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TPG_SHOPIFY_SHOP", "https://shop.example.org/", "host name"),
        ("TPG_SHOPIFY_SHOP", "shop", "host name"),
        ("TPG_SHOPIFY_ADMIN_ACCESS_TOKEN", "dummy", "access token of your app"),
        ("TPG_SHOPIFY_ADMIN_ACCESS_TOKEN", "shpat_secret\nX-Other: 1", "access token of your app"),
        ("TPG_SHOPIFY_API_VERSION", "../../2024-04", "such as 2024-04"),
        ("TPG_SHOPIFY_HMAC_CHECKS", "no", "must be 1, true, 0 or false"),
        ("TPG_SHOPIFY_IP_WHITELIST", " , ", "nobody would be allowed"),
        ("TPG_SHOPIFY_IP_WHITELIST", "10.0.0.5,example.org", "must be IP addresses"),
        ("TPG_SHOPIFY_PRICE_FIELD", "price", "must be one of total, subtotal"),
        ("SHOPIFY_URL", "ftp://example.org", "http or https URL"),
    ],
)
def test_a_mistake_names_the_variable_and_what_is_allowed_but_no_secret(name: str, value: str, says: str) -> None:
    (mistake,) = mistakes(LEAST | {name: value})
    assert mistake.startswith(f"{name}: ")
    assert says in mistake
    assert "shpat_secret" not in mistake
