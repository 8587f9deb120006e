"""Values that a person may want to take along: shown, and copied by a button that appears where there is a script."""

from datetime import datetime

from harvester.api.page.html import Html, element
from harvester.api.page.icons import COPY
from harvester.api.page.texts import Texts


def field(name: str, label: str, value: str, texts: Texts, unit: str | None = None) -> Html:
    """Return a value with its label. `name` is its id on the page; a `unit` is shown, not copied."""
    button = element(
        "button",
        COPY,
        element("span", texts.copy_value),
        type="button",
        id=f"copy-{name}",
        class_="copy",
        data_copy=name,
        aria_label=texts.copy_what.format(what=label),
        hidden=True,
    )
    shown = element("dd", element("code", value, id=name), f" {unit}" if unit else None)
    return element("div", element("dt", label), shown, element("dd", button), class_="field")


def fields(*each: Html | None) -> Html:
    """Return the list that fields are in."""
    return element("dl", *each, class_="fields")


def local_time(moment: datetime) -> Html:
    """Return a moment in UTC, which the script turns into the buyer's own time and manner."""
    return element("time", f"{moment:%Y-%m-%d %H:%M} UTC", datetime=f"{moment:%Y-%m-%dT%H:%M:%SZ}", data_local=True)
