"""What an expression of PromQL asks for: enough of the language for the expressions of `deploy/`."""

import re
from dataclasses import dataclass
from typing import Final

_SELECTOR: Final = re.compile(r"\b(?P<name>(?:harvester|up|ALERTS)\w*)(?:\{(?P<matchers>[^}]*)\})?")
_MATCHER: Final = re.compile(r"""(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)\"""")
_GROUPED: Final = re.compile(r"\bby\s*\(([^)]*)\)")
_OWN: Final = {"job", "instance"}
"""Labels that Prometheus adds."""

Series = tuple[str, frozenset[tuple[str, str]]]
"""A metric's name with its labels."""


@dataclass(frozen=True)
class Selector:
    """Which series are meant."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]

    def selects(self, series: Series) -> bool:
        """Whether `series` is meant, if the labels that Prometheus adds are right."""
        name, labels = series
        return name == self.name and all(
            _holds(dict(labels).get(label, ""), operator, value)
            for label, operator, value in self.matchers
            if label not in _OWN
        )


def selectors(expression: str) -> list[Selector]:
    """Return the selectors of an expression."""
    return [
        Selector(found["name"], tuple(_MATCHER.findall(found["matchers"] or "")))
        for found in _SELECTOR.finditer(expression)
    ]


def grouping(expression: str) -> set[str]:
    """Return the labels that the expression groups by, but for those that Prometheus adds."""
    return {label.strip() for labels in _GROUPED.findall(expression) for label in labels.split(",")} - _OWN


def _holds(value: str, operator: str, wanted: str) -> bool:
    equal = re.fullmatch(wanted, value) is not None if operator.endswith("~") else value == wanted
    return equal is not operator.startswith("!")
