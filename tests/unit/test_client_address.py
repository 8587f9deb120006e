"""Whose request it is."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harvester.api.client_address import Address, client_address, read_address, site

PROXIES = (ip_network("10.0.0.0/8"), ip_network("2001:db8:ffff::/48"))
CLIENT = ip_address("203.0.113.9")

strangers = st.one_of(
    st.ip_addresses(v=4, network="198.51.100.0/24"),
    st.ip_addresses(v=6, network="2001:db8::/48"),
)
proxies = st.one_of(st.ip_addresses(v=4, network="10.0.0.0/8"), st.ip_addresses(v=6, network="2001:db8:ffff::/48"))
anything = st.text(st.characters(codec="ascii", exclude_characters=","), max_size=40)


def of(
    peer: str, x_forwarded_for: tuple[str, ...] = (), forwarded: tuple[str, ...] = (), trusted: object = PROXIES
) -> Address | None:
    """The client's address; the proxies are trusted."""
    assert isinstance(trusted, tuple)
    return client_address(peer, x_forwarded_for, forwarded, trusted)


def element(address: Address) -> str:
    """A hop as RFC 7239 writes it."""
    return f'for="[{address}]:4711";proto=https' if address.version == 6 else f"For={address}; proto=https"


@given(strangers, st.lists(anything))
def test_who_is_no_trusted_proxy_is_the_client_whatever_it_writes(peer: Address, words: list[str]) -> None:
    assert of(str(peer), tuple(words), tuple(words)) == peer
    assert of(str(peer), tuple(words), tuple(words), ()) == peer


@given(strangers, st.lists(proxies, max_size=4), st.lists(anything, max_size=4))
def test_the_right_most_address_that_is_not_trusted_is_the_client(
    client: Address, path: list[Address], lies: list[str]
) -> None:
    hops = [*lies, str(client), *map(str, path)]
    assert of("10.0.0.1", (", ".join(hops),)) == client
    assert of("10.0.0.1", tuple(hops)) == client
    assert of("10.0.0.1", (), (",".join([*lies, element(client), *map(element, path)]),)) == client


@given(strangers, st.lists(anything))
def test_two_headers_are_believed_only_if_they_agree(client: Address, lies: list[str]) -> None:
    assert of("10.0.0.1", (str(client),), (element(client),)) == client
    assert of("10.0.0.1", (str(client),), (element(CLIENT),)) is None
    written_by_client = of("10.0.0.1", tuple(lies), (element(client),)) if lies else client
    assert written_by_client in (client, None)


@given(st.text(), st.lists(st.text()), st.lists(st.text()))
def test_nothing_that_is_written_is_too_strange(peer: str, left: list[str], right: list[str]) -> None:
    for nearest in (peer, "10.0.0.1"):
        found = client_address(nearest, left, right, PROXIES)
        assert found is None or site(found)


@pytest.mark.parametrize("hop", ["unknown", "_hidden", "", "999.1.1.1", "10.0.0.256", "fe80::x", "[", "a,b"])
def test_a_hop_that_cannot_be_read_ends_the_way_at_the_proxy_that_wrote_it(hop: str) -> None:
    assert of("10.0.0.1", (f"203.0.113.9, {hop}, 10.0.0.7",)) == ip_address("10.0.0.7")
    assert of("10.0.0.1", (), (f"for=203.0.113.9, for={hop}, for=10.0.0.7",)) == ip_address("10.0.0.7")


def test_a_way_of_proxies_alone_ends_at_the_first_of_them() -> None:
    assert of("10.0.0.1", ("10.0.0.3, 10.0.0.2",)) == ip_address("10.0.0.3")


def test_no_more_hops_are_looked_at_than_there_can_be() -> None:
    hops = ["203.0.113.9", *["10.0.0.2"] * 5_000]
    assert of("10.0.0.1", (",".join(hops),)) == ip_address("10.0.0.2")


def test_who_has_no_address_has_none() -> None:
    assert of("") is None
    assert of("", ("203.0.113.9",)) is None


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_one_however_it_is_written(address: IPv4Address) -> None:
    for text in (f"{address}", f" {address}:80 ", f"::ffff:{address}", f"[::ffff:{address}]:80"):
        assert read_address(text) == address


@given(st.ip_addresses(v=6))
def test_an_ipv6_address_is_one_however_it_is_written(address: IPv6Address) -> None:
    assume(not address.ipv4_mapped)
    for text in (f"{address}", f"[{address}]", f"[{address}]:80", f"{address}%eth0", address.exploded.upper()):
        assert read_address(text) == address


def test_a_machine_cannot_be_many_by_having_a_network() -> None:
    assert site(ip_address("2001:db8::1")) == site(ip_address("2001:db8::ffff:1"))
    assert site(ip_address("2001:db8::1")) != site(ip_address("2001:db8:0:1::1"))
    assert site(ip_address("192.0.2.1")) != site(ip_address("192.0.2.2"))
