"""What the page shows of metadata: bounded, and with no address that a browser should not open."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from harvester.api.page.merchant import MAX_GOODS, MAX_TEXT, logo_address, read_merchant
from harvester.api.page.policy import page_headers

SOURCE = re.compile(r"https://[a-z0-9.-]+(:[0-9]+)?/[A-Za-z0-9/._~!$&()*+=:@%-]*")
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def images(value: Any) -> list[str]:
    """What the policy of a page with this logo lets pictures come from."""
    policy = page_headers("en", logo_address(value))["Content-Security-Policy"]
    [directive] = [each for each in policy.split("; ") if each.startswith("img-src ")]
    return directive.split(" ")[1:]


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("https://shop.example/logo.png", "https://shop.example/logo.png"),
        ("https://shop.example", "https://shop.example/"),
        ("https://Shop.Example:8443/a/logo.svg?size=2#x", "https://shop.example:8443/a/logo.svg"),
        ("https://bücher.example/ein bild.png", "https://xn--bcher-kva.example/ein%20bild.png"),
        ("https://bücher.example/bild.png", "https://xn--bcher-kva.example/bild.png"),
        ("https://shop.example/bild%20ü.png", "https://shop.example/bild%20%C3%BC.png"),
        ("https://shop.example/a;script-src *", None),
        ("https://shop.example/a;b.png", None),
        ("https://shop.example/a,b.png", None),
        ("https://shop.example/'unsafe-inline'", None),
        ("https://user:password@shop.example/logo.png", None),
        ("https://192.0.2.1/logo.png", None),
        ("https://[2001:db8::1]/logo.png", None),
        ("https://*.example/logo.png", None),
        ("http://shop.example/logo.png", None),
        ("//shop.example/logo.png", None),
        ("data:image/png;base64,AAAA", None),
        ("javascript:alert(1)", None),
        ("https://", None),
        ("https://shop.example/" + "a" * 2048, None),
        ("https://shop.example:0x50/", None),
        (7, None),
        (None, None),
    ],
)
def test_a_logo_is_allowed_by_exactly_its_address_or_not_shown(address: Any, source: str | None) -> None:
    assert images(address) == ["'self'", *([source] if source else [])]


@given(st.text() | st.from_regex(r"https://[^/]{1,20}/.{0,20}"))
def test_whatever_a_logo_is_the_policy_stays_one(text: str) -> None:
    assert images("https://shop.example/logo.png") != ["'self'"]
    for source in images(text)[1:]:
        assert SOURCE.fullmatch(source)


@given(st.dictionaries(st.sampled_from(["merchant_name", "merchant_url", "merchant_logo", "goods", "x"]), anything))
def test_whatever_metadata_are_they_can_be_shown(metadata: dict[str, Any]) -> None:
    merchant = read_merchant(json.dumps(metadata))
    assert len(merchant.name) <= MAX_TEXT
    assert len(merchant.goods) <= MAX_GOODS
    assert all(0 < len(name) <= MAX_TEXT for name in merchant.goods)
    assert merchant.url is None or merchant.url.startswith(("http://", "https://"))
    assert merchant.logo is None or merchant.logo.scheme == "https"


def test_what_is_long_is_cut_and_what_is_much_is_counted() -> None:
    goods = [{"name": f"  thing\n{number} "} for number in range(50)]
    merchant = read_merchant(json.dumps({"merchant_name": "n" * 1_000_000, "goods": goods}))
    assert merchant.name == "n" * (MAX_TEXT - 1) + "…"
    assert merchant.goods[0] == "thing 0"
    assert (len(merchant.goods), merchant.more_goods) == (MAX_GOODS, 50 - MAX_GOODS)


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "shop.example", "https:///x", "//x/y"])
def test_the_way_back_leads_to_a_web_site_or_is_not_there(address: str) -> None:
    assert read_merchant(json.dumps({"merchant_url": address})).url is None
    assert read_merchant('{"merchant_url": "https://shop.example/o/1?a=b#c"}').url == "https://shop.example/o/1?a=b#c"


def test_a_shop_without_a_name_is_called_by_its_host() -> None:
    assert read_merchant('{"merchant_url": "https://shop.example/o/1"}').name == "shop.example"
    assert not read_merchant("{}").name


def test_a_logo_keeps_its_query_on_the_page() -> None:
    assert logo_address("https://shop.example/l.png?v=2#f") == URL("https://shop.example/l.png?v=2")
