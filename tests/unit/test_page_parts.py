"""Seats of readers, codes, and the page's settings."""

import re
from pathlib import Path

import pytest

from harvester.api.page.assets import static_folder
from harvester.api.page.qr import qr_svg
from harvester.api.page.site import ConnectKit
from harvester.api.page.stream import Seats
from harvester.config.page_forms import MAX_STYLE_BYTES, explorers, style_sheet


def test_seats_are_limited_for_each_visitor_and_in_all_and_are_free_again() -> None:
    seats = Seats(in_all=3, per_visitor=2)
    with seats.seat("a") as first, seats.seat("a") as second, seats.seat("a") as third, seats.seat("b") as other:
        assert (first, second, third, other) == (True, True, False, True)
        with seats.seat("c") as too_many:
            assert not too_many
    with seats.seat("a") as again:
        assert again


def test_whoever_cannot_be_told_apart_shares_only_the_limit_of_all() -> None:
    seats = Seats(in_all=3, per_visitor=1)
    with seats.seat(None) as first, seats.seat(None) as second:
        assert first
        assert second


def test_a_code_is_drawn_without_style_and_a_text_too_long_for_one_has_none() -> None:
    code = qr_svg("ton://transfer/x?amount=1&text=<>")
    assert code is not None
    assert code.startswith("<svg ")
    assert "style" not in code
    assert qr_svg("x" * 3_000) is None


def test_the_bridges_of_wallets_are_named_as_a_policy_needs_them() -> None:
    wallets = b"""[{"bridge": [{"type": "sse", "url": "https://b.example:8443/bridge"}, {"type": "js", "key": "w"}]},
                   {"bridge": [{"type": "sse", "url": "https://a.example/x/y?z"}]}]"""
    assert ConnectKit(b"", wallets).bridges == ["https://a.example", "https://b.example:8443"]


@pytest.mark.parametrize(
    "text", ["ton", "ton http://x/{tx_hash}", "ton https://x/", "TON https://x/{tx_hash}", "ton javascript:{tx_hash}"]
)
def test_what_is_no_explorer_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not of this form"):
        explorers(text)


def test_explorers_are_read_each_chain_once() -> None:
    assert explorers("ton https://t/{tx_hash}, tari https://x/{tx_hash}?a=1,") == (
        ("ton", "https://t/{tx_hash}"),
        ("tari", "https://x/{tx_hash}?a=1"),
    )
    with pytest.raises(ValueError, match="twice"):
        explorers("ton https://t/{tx_hash},ton https://u/{tx_hash}")


def test_a_style_sheet_is_read_if_it_is_text_and_not_too_long(tmp_path: Path) -> None:
    path = tmp_path / "shop.css"
    path.write_bytes(b":root { --accent: #0a7; }")
    assert style_sheet(str(path)) == ":root { --accent: #0a7; }"
    for wrong in (b"\xff", b" " * (MAX_STYLE_BYTES + 1)):
        path.write_bytes(wrong)
        with pytest.raises(ValueError, match=r"too long|codec"):
            style_sheet(str(path))
    with pytest.raises(ValueError, match="cannot be read"):
        style_sheet(str(tmp_path))


def test_browsers_that_know_no_pairs_of_colours_have_the_light_ones() -> None:
    css = static_folder().joinpath("page.css").read_text()
    pairs = re.findall(r"^  (--[a-z-]+): light-dark\((#\w+|rgb\([^)]*\)), ", css, re.MULTILINE)
    fallback = css.partition("@supports not (color: light-dark(")[2].partition("\n}\n")[0]
    assert len(pairs) == css.partition("\n}\n")[0].count(": light-dark(") - 1  # one stands in the comment
    assert [f"{name}: {light};" for name, light in pairs] == re.findall(r"--[a-z-]+: [^;]+;", fallback)
