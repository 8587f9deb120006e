"""The words of the page."""

import json
import re
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest

from harvester.api.page.checkout import Stage
from harvester.api.page.texts import DEFAULT_LANGUAGE, Languages, read_texts

MEMBERS: dict[str, dict[str, Any]] = json.loads(files("harvester.api.page").joinpath("texts.json").read_text())
ENGLISH = Languages.shipped().choose("")
LANGUAGES = Languages({name: replace(ENGLISH, language=name) for name in ("en", "de", "fa")})


def places(value: Any) -> Any:
    """What is to be filled in, in each text."""
    if isinstance(value, dict):
        return {name: places(each) for name, each in value.items()}
    return sorted(re.findall(r"\{(\w+)\}", value))


@pytest.mark.parametrize("language", MEMBERS)
def test_each_language_has_all_texts_with_the_same_places(language: str) -> None:
    assert read_texts(language, MEMBERS[language]).stages.keys() == set(Stage)
    assert places(MEMBERS[language]) == places(MEMBERS[DEFAULT_LANGUAGE])
    assert MEMBERS[language]["direction"] in {"ltr", "rtl"}


def test_a_language_that_lacks_a_text_does_not_start() -> None:
    with pytest.raises(TypeError, match="copied"):
        read_texts("xx", {name: text for name, text in MEMBERS["en"].items() if name != "copied"})


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("DE-ch,en;q=0.5", "de"),
        ("en;q=0.5, de;q=0.8", "de"),
        ("de;q=0, fa", "fa"),
        ("de;q=0", "en"),
        ("xx, fa;q=0.1", "fa"),
        ("fa, de", "fa"),
        ("*", "en"),
        ("de;q=nonsense", "en"),
        ("de" + ",xx" * 10_000, "de"),
        ("\x00,;=;q,é", "en"),
    ],
)
def test_the_language_is_the_one_that_the_buyer_likes_best(accepted: str, language: str) -> None:
    assert LANGUAGES.choose(accepted).language == language
