"""Payloads, links and keys, byte for byte as wallets and the original know them."""

import base64
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytoniq_core import Cell as TheirCell
from pytoniq_core import begin_cell

from harvester_ton.boc import parse_boc_root
from harvester_ton.links import PaymentLinks
from harvester_ton.merchant_key import adnl_address, derive_seed
from harvester_ton.payload import InvoicePayload, to_link_form
from harvester_ton.reference import read_reference
from harvester_ton.slices import Slice

ID = UUID("0195ec3c-ee40-757e-8af7-fb3dc377a726")
SITE = bytes.fromhex("131d0c65055f04e9c19d687b51bc70f952fd9ca6f02c2801d3b89964a779df85")
KEY = bytes(range(32))


def test_the_payload_without_a_site() -> None:
    payload = InvoicePayload()
    assert payload.boc(ID).hex() == "b5ee9c7201010101001700002a7aa23eb50195ec3cee40757e8af7fb3dc377a72600"
    assert payload.base64(ID) == "te6ccgEBAQEAFwAAKnqiPrUBlew87kB1for3+z3Dd6cmAA=="
    assert to_link_form(payload.base64(ID)) == "te6ccgEBAQEAFwAAKnqiPrUBlew87kB1for3-z3Dd6cmAA"


def test_the_payload_with_a_site() -> None:
    expected = "te6ccgEBAQEANwAAanqiPrUBlew87kB1for3+z3Dd6cmARMdDGUFXwTpwZ1oe1G8cPlS/Zym8CwoAdO4mWSned+F"
    assert InvoicePayload(SITE).base64(ID) == expected


@given(st.uuids(), st.none() | st.binary(min_size=32, max_size=32))
def test_a_payload_is_the_bag_that_pytoniq_writes_and_is_read_back(id_: UUID, site: bytes | None) -> None:
    boc = InvoicePayload(site).boc(id_)
    builder = begin_cell().store_uint(0x7AA23EB5, 32).store_bytes(id_.bytes).store_uint(int(site is not None), 8)
    assert boc == builder.store_bytes(site or b"").end_cell().to_boc()
    found = read_reference(Slice(parse_boc_root(boc))).invoice_id
    assert found == (id_ if id_.bytes[6] >> 4 == 7 else None)


def test_the_link_for_coins() -> None:
    links = PaymentLinks({"universal": "ton://"}, "0:81" + "0" * 60 + "88")
    assert links.make(InvoicePayload(SITE).base64(ID), 100000000, 1744066284) == {
        "universal": "ton://transfer/UQCBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAiJ2x?amount=100000000"
        "&bin=te6ccgEBAQEANwAAanqiPrUBlew87kB1for3-z3Dd6cmARMdDGUFXwTpwZ1oe1G8cPlS_Zym8CwoAdO4mWSned-F"
        "&exp=1744066284"
    }


RECIPIENT = "0:ce165390e86a4c7c8c0c05a28c01a52c2848a350548c2dc3b7923427f40d64ef"
MASTER = "0:db38c136bdca1b0fd43abeba46d092eece6e4405160c009d7799a6162e9a0dab"
PREFIXES = {"tonkeeper": "https://app.tonkeeper.com/", "universal": "ton://"}
SITE_OF_KEY = InvoicePayload(adnl_address(KEY))


def test_links_and_payload_are_those_of_the_original_for_coins() -> None:
    id_ = UUID("01a1ffcd-7927-772b-815c-56377836dd37")
    payload = SITE_OF_KEY.base64(id_)
    assert payload == ("te6ccgEBAQEANwAAanqiPrUBof/NeSd3K4FcVjd4Nt03AbfRqC9ZiDpb9oVoGkglNSpzfXhfn160mcSJ3K+cHU/1")
    rest = (
        "transfer/UQDOFlOQ6GpMfIwMBaKMAaUsKEijUFSMLcO3kjQn9A1k72VZ?amount=1500000000"
        "&bin=te6ccgEBAQEANwAAanqiPrUBof_NeSd3K4FcVjd4Nt03AbfRqC9ZiDpb9oVoGkglNSpzfXhfn160mcSJ3K-cHU_1&exp=1795296018"
    )
    links = PaymentLinks(PREFIXES, RECIPIENT).make(payload, 1500000000, 1795296018)
    assert links == {name: prefix + rest for name, prefix in PREFIXES.items()}


def test_links_are_those_of_the_original_for_jettons() -> None:
    payload = SITE_OF_KEY.base64(UUID("01a1ffcd-7936-7542-9947-801ce2595c07"))
    rest = (
        "transfer/EQDOFlOQ6GpMfIwMBaKMAaUsKEijUFSMLcO3kjQn9A1k7zic"
        "?jetton=EQDbOME2vcobD9Q6vrpG0JLuzm5EBRYMAJ13maYWLpoNq1Zb&amount=2500000"
        "&bin=te6ccgEBAQEANwAAanqiPrUBof_NeTZ1QplHgBziWVwHAbfRqC9ZiDpb9oVoGkglNSpzfXhfn160mcSJ3K-cHU_1&exp=1795296018"
    )
    links = PaymentLinks(PREFIXES, RECIPIENT, MASTER).make(payload, 2500000, 1795296018)
    assert links == {name: prefix + rest for name, prefix in PREFIXES.items()}


@pytest.mark.parametrize(
    ("key", "address"),
    [
        (bytes(32), "bdcff50bf305a057aa75c3e309723883cc48341d2c22479a5c9b9b130d4c8d38"),
        (KEY, "b7d1a82f59883a5bf685681a4825352a737d785f9f5eb499c489dcaf9c1d4ff5"),
    ],
)
def test_the_site_of_a_key(key: bytes, address: str) -> None:
    assert adnl_address(key).hex() == address


def test_the_seeds_of_a_key_differ_by_purpose() -> None:
    assert derive_seed(KEY, "meta") != derive_seed(KEY, "adnl")


def test_the_link_form_of_a_payload_decodes_to_the_payload() -> None:
    text = to_link_form(SITE_OF_KEY.base64(ID))
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert TheirCell.one_from_boc(data).hash == parse_boc_root(SITE_OF_KEY.boc(ID)).hash
