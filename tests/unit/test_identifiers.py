"""Invoice ids in all the forms that people write them in, and in no other."""

from contextlib import suppress
from uuid import UUID, uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harvester.domain.errors import InvalidInput
from harvester.domain.identifiers import parse_invoice_id, parse_uuid

ID = UUID("01a1ffcd-7927-772b-815c-56377836dd37")
FORMS = [str, lambda number: f"{{{number}}}", lambda number: f"urn:uuid:{number}", lambda number: number.hex]


@pytest.mark.parametrize("form", FORMS)
@given(number=st.uuids(), upper=st.booleans())
def test_every_form_in_any_case_is_read(form: type[str], number: UUID, upper: bool) -> None:
    text = form(number)
    assert parse_uuid(text.upper() if upper else text) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        str(ID)[:-1],
        f"{ID}0",
        f" {ID}",
        f"{ID}\n",
        f"{{{ID}",
        f"{{{ID.hex}}}",
        f"urn:uuid:{{{ID}}}",
        f"urn:uuid:{ID.hex}",
        f"({ID})",
        str(ID).replace("-", "_"),
        str(ID).replace("-", "", 1),
        str(ID).replace("0", "\uff10"),
        "g" * 32,
        "1" * 100_000,
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="a UUID is expected"):
        parse_uuid(text)


@given(st.text(max_size=50))
def test_no_text_raises_anything_else(text: str) -> None:
    with suppress(InvalidInput):
        assert parse_uuid(text).hex in text.replace("-", "").lower()


@given(st.uuids())
@example(UUID("01a1ffcd-7927-772b-015c-56377836dd37"))
def test_an_invoice_id_is_of_version_7_whatever_its_variant(number: UUID) -> None:
    if number.hex[12] == "7":
        assert parse_invoice_id(str(number)) == number
    else:
        with pytest.raises(InvalidInput, match="version 7"):
            parse_invoice_id(str(number))


def test_ids_of_other_versions_are_refused() -> None:
    for number in (uuid4(), UUID(int=0), UUID(int=2**128 - 1)):
        with pytest.raises(InvalidInput, match="version 7"):
            parse_invoice_id(str(number))
    assert parse_invoice_id(ID.hex) == ID
