"""HTML that is safe by construction."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from harvester.api.page.html import Html, element, join

texts = st.text(st.characters(exclude_characters="\r\0", exclude_categories=["Cs"]), max_size=60)
"""Parsers turn a carriage return into a line end, and U+0000 into something else."""
nasty = st.sampled_from(["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&amp;", "]]>", "--><b>", "'"])


class Reader(HTMLParser):
    """What a browser makes of a document: its elements, and its text."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(texts | nasty, texts | nasty)
def test_whatever_the_text_it_stays_text(text: str, value: str) -> None:
    read = Reader(element("p", text, title=value))
    assert read.elements == [("p", {"title": value})]
    assert read.text == text


def test_html_is_put_in_as_it_is_and_nothing_is_left_out() -> None:
    assert element("p", "a & ", element("b", "<"), None, Html("<i></i>")) == "<p>a &amp; <b>&lt;</b><i></i></p>"
    assert join("<", None, Html("<b></b>")) == "&lt;<b></b>"


def test_attributes_are_written_as_browsers_want_them() -> None:
    made = element("a", data_copy="x", class_="button", hidden=True, disabled=False, rel=None, tabindex=-1)
    assert made == '<a data-copy="x" class="button" hidden tabindex="-1"></a>'
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'


def test_an_element_is_html_and_so_is_what_is_joined() -> None:
    assert isinstance(element("p"), Html)
    assert isinstance(join("x"), Html)
    assert not isinstance(element("p") + "x", Html), "text that is appended is not trusted"
