"""Log lines: one JSON object each, whoever writes them, without secrets."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from harvester.log import MASK, configure_logging

SECRET = "hunter22"


@pytest.fixture(autouse=True)
def _undone() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logging.captureWarnings(capture=False)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_a_line_is_a_sentence_with_fields(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", for_people=False)
    structlog.get_logger("any").info("invoice paid", invoice_id="x", amount=2**100)
    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"level": "info", "message": "invoice paid", "invoice_id": "x", "amount": 2**100}


def test_libraries_take_the_same_way_out_and_the_chatty_are_quieter(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", for_people=False)
    logging.getLogger("some.library").warning("lost %s", "it", extra={"peer": "p"})
    logging.getLogger("LiteClient").info("request")
    logging.getLogger("LiteClient").warning("trouble")
    assert [(line["logger"], line["message"]) for line in lines(capsys)] == [
        ("some.library", "lost it"),
        ("LiteClient", "trouble"),
    ]


@pytest.mark.parametrize(("level", "count"), [("DEBUG", 4), ("INFO", 3), ("WARN", 2), ("ERROR", 1)])
def test_what_is_below_the_level_is_not_written(level: str, count: int, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(level, for_people=False)
    for name in ("debug", "info", "warning", "error"):
        getattr(structlog.get_logger(), name)("said")
        getattr(logging.getLogger("library"), name)("said")
    assert len(lines(capsys)) == 2 * count


@pytest.mark.parametrize("for_people", [True, False])
def test_a_secret_is_masked_wherever_it_is(for_people: bool, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", [SECRET, ""], for_people=for_people)
    log = structlog.get_logger()
    log.info(f"a {SECRET}", field=SECRET, nested={"list": [f"<{SECRET}>"]}, error=ValueError(SECRET))
    logging.getLogger("library").warning("with %s", SECRET)
    try:
        raise ValueError(SECRET)
    except ValueError:
        log.exception("it broke")
    shown = capsys.readouterr().err
    assert SECRET not in shown
    assert shown.count(MASK) >= 6
