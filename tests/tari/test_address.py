"""Addresses in every form, and who is the same payer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.domain.errors import InvalidInput
from harvester_tari import base58, emoji
from harvester_tari.address import Address, Network, parse_address
from tests.tari.builders import ADDRESS, DUAL_ADDRESS, MAINNET, NOBODYS, OTHER_ADDRESS, addresses
from tests.tari.vectors import vector

ALICE = "14wqR3rjyVbjgXDyLVaL97p3CksHc84cz9hLLMMTMYDjtBt"


def refusal(text: str, network: Network | None = None) -> str:
    """Return what is said of a text that is no address."""
    with pytest.raises(InvalidInput) as caught:
        parse_address(text, network)
    return str(caught.value)


def test_a_known_address_in_all_its_forms() -> None:
    assert str(ADDRESS) == ALICE
    assert ADDRESS.to_hex() == "0003b8971598a865b25b6508d4ba154db228e044f367bd9a1ef50dd4051db42b631453"
    assert parse_address("🐢🌊💰⭐🎷🎨💄🏰🔩📖⭐🏈😈🔬👀🐴🍦🎿🐞🥊🐣🎯👗🎧🍬🏆🐨👢🐙🔋🔦📟🍆🎒🚫") == parse_address(
        "14z3iHvgokZcXmokAYQKveeJ4rMqSGtPahrC2CPvx63UQmG"
    )


@given(addresses)
def test_every_form_of_an_address_is_read_as_that_address(address: Address) -> None:
    separated = "|".join(address.to_emoji())
    for text in (str(address), address.to_hex(), address.to_hex().upper(), address.to_emoji(), f"  {separated}\n"):
        assert parse_address(text) == address
    assert Address.from_bytes(address.to_bytes()) == address


@given(addresses, st.data())
def test_any_damaged_byte_is_refused(address: Address, data: st.DataObject) -> None:
    damaged = bytearray(address.to_bytes())
    place = data.draw(st.integers(0, len(damaged) - 1))
    damaged[place] ^= data.draw(st.integers(1, 255))
    for text in (damaged.hex(), emoji.encode(bytes(damaged))):
        assert "checksum" in refusal(text)


@given(addresses, st.data())
def test_two_neighbours_that_changed_places_are_refused(address: Address, data: st.DataObject) -> None:
    damaged = bytearray(address.to_bytes())
    place = data.draw(st.integers(0, len(damaged) - 2))
    damaged[place], damaged[place + 1] = damaged[place + 1], damaged[place]
    if bytes(damaged) != address.to_bytes():
        assert "checksum" in refusal(damaged.hex())


@given(st.text(max_size=200) | st.text("123456789ABCDabcd0|🐢🌊 ", min_size=30, max_size=140))
def test_any_other_text_is_refused_and_nothing_worse(text: str) -> None:
    try:
        address = parse_address(text)
    except InvalidInput:
        return
    assert text in (str(address), address.to_hex(), address.to_emoji())


@pytest.mark.parametrize("form", [str(ADDRESS), ADDRESS.to_hex(), ADDRESS.to_emoji()], ids=["base58", "hex", "emoji"])
def test_an_address_that_is_cut_off_or_goes_on_is_refused(form: str) -> None:
    for text in (form[:-1], form[1:], form + form[-1], form + "1", "1" + form):
        assert "base58, 35 or 67 emoji, or 70 or 134 hex digits" in refusal(text) or "checksum" in refusal(text)


@pytest.mark.parametrize(
    "text", ["", " ", "|", "0", "1", "14", "1" * 10_000_000, "🐢" * 1000, ALICE + " ", "\x00", "٣" * 70]
)
def test_nonsense_is_refused_at_once(text: str) -> None:
    assert "a Tari address is" in refusal(text)


def test_hex_with_spaces_for_digits_is_no_address() -> None:
    assert "a Tari address is" in refusal(" ".join(["0"] * 35 + [""] * 64)[:134])


def checked(data: bytes) -> str:
    """Return hex digits with the right checksum, for whatever address."""
    result = 0
    for value in data:
        doubled = (result ^ value) << 1
        result = doubled & 0xFF ^ (0x1B if doubled > 0xFF else 0)
    return (data + bytes([result])).hex()


@pytest.mark.parametrize("network", sorted(set(range(256)) - set(Network)))
def test_other_networks_are_refused(network: int) -> None:
    assert "network" in refusal(checked(bytes([network, 3]) + ADDRESS.spend_key))


@pytest.mark.parametrize("features", [4, 7, 8, 128, 255])
def test_other_features_are_refused(features: int) -> None:
    assert "features" in refusal(checked(bytes([0, features]) + ADDRESS.spend_key))


@pytest.mark.parametrize("key", [b"\xff" * 32, b"\x01" + bytes(31), bytes(31) + b"\x80"])
def test_a_key_that_is_no_point_or_not_in_its_one_encoding_is_refused(key: bytes) -> None:
    assert "no point" in refusal(checked(bytes([0, 3]) + key))
    assert "no point" in refusal(checked(bytes([0, 3]) + key + ADDRESS.spend_key))


def test_an_address_of_another_network_is_refused_where_one_is_asked_for() -> None:
    on_testnet = Address(Network.ESMERALDA, 3, ADDRESS.spend_key)
    assert "is of esmeralda, here is mainnet" in refusal(str(on_testnet), MAINNET)
    assert parse_address(str(on_testnet), Network.ESMERALDA) == parse_address(str(on_testnet)) == on_testnet


def test_all_addresses_of_one_spend_key_are_one_payer() -> None:
    one_sided = Address(MAINNET, 1, ADDRESS.spend_key)
    seen_by_another = Address(MAINNET, 3, ADDRESS.spend_key, ADDRESS.spend_key)
    payers = {address.payer for address in (ADDRESS, DUAL_ADDRESS, one_sided, seen_by_another)}
    assert payers == {ALICE}


@given(addresses, addresses)
def test_another_key_or_another_network_is_another_payer(first: Address, second: Address) -> None:
    same = (first.network, first.spend_key) == (second.network, second.spend_key)
    assert (first.payer == second.payer) == same


@given(addresses)
def test_the_name_of_a_payer_is_an_address_of_the_same_payer(address: Address) -> None:
    payer = parse_address(address.payer)
    assert (payer.payer, payer.spend_key, payer.network) == (address.payer, address.spend_key, address.network)


def test_on_another_network_the_same_key_is_another_payer() -> None:
    assert Address(Network.NEXTNET, 3, ADDRESS.spend_key).payer != ADDRESS.payer


def test_an_address_that_nobody_can_sign_for_is_read_and_known_as_such() -> None:
    for text in (str(NOBODYS), NOBODYS.to_hex(), NOBODYS.to_emoji()):
        assert parse_address(text).is_nobodys
    assert not ADDRESS.is_nobodys


def test_answers_can_hold_the_parts_of_an_address() -> None:
    assert ADDRESS.to_structure() == {
        "Single": {"network": "mainnet", "features": 3, "public_spend_key": ADDRESS.spend_key.hex()}
    }
    assert DUAL_ADDRESS.to_structure() == {
        "Dual": {
            "network": "mainnet",
            "features": 3,
            "public_view_key": OTHER_ADDRESS.spend_key.hex(),
            "public_spend_key": ADDRESS.spend_key.hex(),
        }
    }


def test_a_dual_address_on_another_network_signs_with_its_spend_key() -> None:
    address = parse_address(vector("synthetic: dual address")["base58"])
    assert (address.network, address.features) == (Network.ESMERALDA, 3)
    assert address.spend_key == ADDRESS.spend_key
    assert address.view_key is not None


def test_each_byte_has_a_symbol_of_its_own_of_one_code_point() -> None:
    assert len(emoji.SYMBOLS) == len(set(emoji.SYMBOLS)) == 256
    assert (emoji.SYMBOLS[0], emoji.SYMBOLS[0x7D]) == ("🐢", "🦋")
    assert (emoji.OLDER_SYMBOLS[0], emoji.OLDER_SYMBOLS[0x7D]) == ("🦋", "🐢")


@given(st.binary(max_size=80))
def test_base58_has_one_text_for_each_bytes(data: bytes) -> None:
    assert base58.decode(base58.encode(data)) == data


@given(st.text("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", max_size=80))
def test_base58_has_one_bytes_for_each_text(text: str) -> None:
    assert base58.encode(base58.decode(text)) == text
