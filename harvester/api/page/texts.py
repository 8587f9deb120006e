"""The words of the page: one file, `texts.json`, with an object of texts for each language."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import orjson

from harvester.api.page.checkout import Stage

DEFAULT_LANGUAGE: Final = "en"
_RANGE: Final = re.compile(r"([a-z]{1,8})(?:-[a-z0-9-]{1,32})?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?", re.IGNORECASE)
_MAX_RANGES: Final = 16


@dataclass(frozen=True, slots=True)
class StageTexts:
    """What the page says at one stage."""

    title: str
    headline: str
    """Of the amount."""
    state: str
    help: str
    """What to do; empty where the ways to pay say it."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What the page says in one language. Names in braces are filled in; all languages use the same ones."""

    language: str
    direction: str
    """`ltr` or `rtl`."""
    stages: Mapping[Stage, StageTexts]
    to: str
    received_of: str
    paid_more: str
    money_arrived: str
    time_left: str
    pay_until: str
    one_minute_left: str
    goods: str
    more_goods: str
    pay: str
    open_wallet: str
    open_in: str
    connect: str
    scan: str
    qr: str
    no_links: str
    by_hand: str
    by_hand_help: str
    by_hand_no_comment: str
    address: str
    amount: str
    comment: str
    transaction: str
    paid_at: str
    copy_value: str
    copy_what: str
    copied: str
    see_transaction: str
    back_to: str
    straight: str
    connect_title: str
    connect_loading: str
    connect_open: str
    connect_confirm: str
    connect_sent: str
    connect_failed: str
    connect_go: str
    close: str
    unknown_title: str
    unknown_help: str
    unavailable_title: str
    unavailable_help: str


class Languages:
    """Every language there is."""

    def __init__(self, by_language: Mapping[str, Texts]) -> None:
        """`by_language` must hold DEFAULT_LANGUAGE."""
        self._by_language = by_language

    @classmethod
    def shipped(cls) -> "Languages":
        """Return those of `texts.json`."""
        members = orjson.loads(files(__package__).joinpath("texts.json").read_bytes())
        return cls({language: read_texts(language, texts) for language, texts in members.items()})

    def choose(self, accept_language: str) -> Texts:
        """Return the texts that a header Accept-Language likes best, else those in DEFAULT_LANGUAGE."""
        wanted = [
            found for part in accept_language.split(",", _MAX_RANGES) if (found := _RANGE.fullmatch(part.strip()))
        ]
        wanted.sort(key=lambda found: -float(found[2] or 1))  # stable: what is named first wins among equals
        known = (found[1].lower() for found in wanted if float(found[2] or 1) > 0)
        language = next((each for each in known if each in self._by_language), DEFAULT_LANGUAGE)
        return self._by_language[language]


def read_texts(language: str, members: Mapping[str, Any]) -> Texts:
    """Return the texts that `members` holds.

    Raises:
        TypeError, KeyError: one is missing, or one too many.
    """
    stages = {stage: StageTexts(**members["stages"][stage]) for stage in Stage}
    return Texts(language, **{**members, "stages": stages})
