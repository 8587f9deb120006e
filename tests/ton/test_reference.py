"""The reference to an invoice: payload, text, and everything that only looks like one."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytoniq_core import Cell as TheirCell
from pytoniq_core import begin_cell

from harvester_ton.reference import Reference, find_invoice_id, read_reference
from harvester_ton.slices import Slice
from tests.ton.builders import INVOICE_ID, ours, payload_body, text_body

ID = UUID(INVOICE_ID)
OTHER = UUID("01a1ffc5-6f19-7955-a9eb-d8aa89cc5a87")
V4 = "03cfc582-b1c3-410a-a9a7-1f3afe326b3b"


def read(body: TheirCell) -> Reference:
    """Read the reference of a body."""
    return read_reference(Slice(ours(body)))


@pytest.mark.parametrize(
    "text",
    [
        f"{ID}",
        f"{ID}".upper(),
        f"{ID}".replace("7e", "7E"),
        ID.hex,
        ID.hex.upper(),
        f"urn:uuid:{ID}",
        f"URN:UUID:{ID}",
        f"{{{ID}}}",
        f"({ID})",
        f"  {ID}\t\r\n",
        f"invoice {ID}, thank you",
        f"invoice:{ID}.",
        f"invoice-{ID}",
        f"order_{ID}_2",
        f"id={ID.hex}&x=1",
        f"оплата{ID}спасибо",
        f"{ID} {ID}",
        f"{ID} = {ID.hex} = {str(ID).upper()}",
        f"{ID} instead of {V4}",
        f"{ID} deadbeef",
        f"12345 {ID.hex} 0x1",
    ],
)
def test_a_text_with_exactly_one_uuidv7_refers_to_it(text: str) -> None:
    assert find_invoice_id(text) == (ID, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "thank you",
        f"{ID}"[:-1],
        f"{ID}"[1:],
        f"{ID}0",
        f"0{ID}",
        f"{ID.hex}0",
        f"a{ID.hex}",
        ID.hex * 2,
        f"x{ID}y",
        f"x{ID}",
        f"{ID}y",
        f"0x{ID.hex}",
        f"\\u0000{ID}",
        f"{ID}".replace("-", " "),
        f"{ID}".replace("-", "", 1),
        f"{ID}".replace("-", "\u2013"),
        f"{ID}"[:20] + " " + f"{ID}"[20:],
        V4,
        V4.replace("-", ""),
        str(ID).replace("757e", "657e"),
        "\uff10" + str(ID)[1:],
    ],
)
def test_a_text_without_a_whole_uuidv7_refers_to_nothing(text: str) -> None:
    assert find_invoice_id(text) == (None, "the text mentions no invoice")


@pytest.mark.parametrize("text", [f"{ID} {OTHER}", f"{ID},{OTHER.hex},{ID}", f"{{{OTHER}}}{{{ID}}}"])
def test_several_different_ids_are_none(text: str) -> None:
    assert find_invoice_id(text) == (None, "the text mentions several invoices")


def test_the_variant_of_the_id_is_not_checked() -> None:
    odd = UUID("0195ec3c-ee40-757e-0af7-fb3dc377a726")
    assert find_invoice_id(str(odd)) == (odd, None)
    assert read(payload_body(str(odd))).invoice_id == odd


@given(st.uuids(version=4), st.text(max_size=30), st.text(max_size=30))
def test_words_around_an_id_do_not_matter(random: UUID, before: str, after: str) -> None:
    id_ = UUID(int=random.int & ~(0xF << 76) | 7 << 76)
    for form in (str(id_), str(id_).upper(), id_.hex):
        assert find_invoice_id(f"{before} {form} {after}") == (id_, None)


@given(st.text())
def test_any_text_survives_the_way_through_cells(text: str) -> None:
    reference = read(text_body(text))
    assert reference.text == (text.replace("\0", "").encode()[:1024].decode(errors="ignore") or None)


def test_nul_is_removed_before_anything_is_looked_for() -> None:
    assert read(text_body(f"{ID}\0")) == Reference(ID, str(ID))
    assert read(text_body("\0".join(str(ID)))) == Reference(ID, str(ID))
    assert read(text_body("\0\0")).reason == "the text is empty"


def snake(*pieces: str) -> TheirCell:
    """Cells of the given bits, each in the first reference of the one before; a decoy is in the second."""
    cell = None
    for bits in reversed(pieces):
        builder = begin_cell().store_bits(bits)
        if cell is not None:
            builder.store_ref(cell).store_ref(text_body("decoy"))
        cell = builder.end_cell()
    assert cell is not None
    return cell


def bits_of(text: str) -> str:
    """The bits of a text."""
    return "".join(f"{byte:08b}" for byte in text.encode())


@given(st.lists(st.integers(0, 40), max_size=6))
def test_a_snake_may_be_cut_at_any_bit(sizes: list[int]) -> None:
    rest, pieces = bits_of(str(ID)), []
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    assert read(snake("0" * 32 + (pieces[0] if pieces else ""), *pieces[1:], rest)).invoice_id == ID


def test_bits_that_make_no_whole_byte_spoil_the_text() -> None:
    assert read(snake("0" * 32 + bits_of(str(ID)) + "1")).reason == "the text does not end on a whole byte"
    assert read(snake("0" * 32 + bits_of(str(ID)), "1111")).invoice_id is None


def test_a_text_is_read_up_to_a_kilobyte() -> None:
    long = read(text_body(f"{ID} " + "я" * 2000))
    assert long.invoice_id == ID
    assert long.text == f"{ID} " + "я" * 493
    assert read(text_body("a" * 1024)).text == "a" * 1024
    assert read(text_body("a" * 2000 + f" {ID}")) == Reference(None, "a" * 1024, "the text mentions no invoice")
    assert read(text_body(b"a" * 1020 + b"\xff" + b"a" * 99)).reason == "the text is not valid UTF-8"
    assert read(text_body(b"\xd1")).reason == "the text is not valid UTF-8"


def payload(bits: str) -> Reference:
    """Read an invoice payload of these bits after the op code."""
    return read(begin_cell().store_uint(0x7AA23EB5, 32).store_bits(bits).end_cell())


ID_BITS = f"{ID.int:0128b}"


@pytest.mark.parametrize("tail", ["0" * 8, "0" * 8 + "1011", "0" * 7 + "1" + "1" * 256, "0" * 7 + "1" + "0" * 300])
def test_a_payload_with_a_whole_url_field_refers_whatever_follows(tail: str) -> None:
    assert payload(ID_BITS + tail) == Reference(ID)


@pytest.mark.parametrize("bits", ["", ID_BITS[:64], ID_BITS, ID_BITS + "0" * 7])
def test_a_payload_cut_before_its_url_refers_to_nothing(bits: str) -> None:
    assert payload(bits).reason == "the invoice payload is cut short"


@pytest.mark.parametrize("tail", ["0" * 7 + "1" + "1" * 255, "0" * 7 + "1", "0" * 6 + "10", "1" * 8 + "0" * 256])
def test_a_payload_with_another_or_a_cut_url_refers_to_nothing(tail: str) -> None:
    assert payload(ID_BITS + tail).reason == "the invoice payload has no valid url field"


def test_a_payload_with_another_version_refers_to_nothing() -> None:
    assert read(payload_body(V4)).invoice_id is None


@pytest.mark.parametrize(
    ("bits", "why"),
    [
        ("", "no comment"),
        ("0" * 31, "no comment"),
        ("0" * 32, "empty"),
        (f"{0x2167DA4B:032b}" + "1" * 200, "encrypted"),
        (f"{0xDEADBEEF:032b}", "0xdeadbeef"),
    ],
)
def test_other_bodies_refer_to_nothing_and_say_why(bits: str, why: str) -> None:
    reference = read(snake(bits))
    assert (reference.invoice_id, reference.text) == (None, None)
    assert why in (reference.reason or "")
