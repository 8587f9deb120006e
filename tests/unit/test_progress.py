"""The bar that shows a long catch-up."""

import io
from datetime import UTC, datetime, timedelta

from rich.console import Console

from harvester.chain import Health
from harvester.cli.progress import CatchUpBar

HEAD = datetime(2026, 1, 1, tzinfo=UTC)


def behind(minutes: float) -> dict[str, Health]:
    return {"ton": Health(False, HEAD, HEAD - timedelta(minutes=minutes))}


def shown(*states: dict[str, Health]) -> str:
    screen = io.StringIO()
    with CatchUpBar(Console(file=screen, force_terminal=True, width=100)) as bar:
        for state in states:
            bar(state)
    return screen.getvalue()


def test_a_chain_that_is_long_behind_is_shown_with_how_far() -> None:
    assert "ton: catching up" in (screen := shown(behind(60), behind(30), behind(0)))
    assert "0:30:00 behind" in screen


def test_a_chain_at_the_present_or_not_yet_seen_is_not_shown() -> None:
    assert shown({"ton": Health(True, HEAD, HEAD)}, {"ton": Health(False, None, None)}, behind(1)) == ""
