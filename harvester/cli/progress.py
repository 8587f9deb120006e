"""A bar on the terminal while a chain's history is caught up with."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from harvester.chain import Health

_LONG: Final = timedelta(minutes=2)


class CatchUpBar:
    """Shows each chain that is long behind, in chain time: from where it was first seen to the newest block."""

    def __init__(self, console: Console | None = None) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[behind]} behind"),
            TimeRemainingColumn(),
            console=console or Console(stderr=True),
            transient=True,
        )
        self._rows: dict[str, tuple[TaskID, datetime]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._progress.stop()

    def __call__(self, health: Mapping[str, Health]) -> None:
        """Bring the bar up to date; it goes when there is nothing to catch up with."""
        for name, state in health.items():
            if state.head_time and state.scanned_until:
                self._show(name, state.head_time, state.scanned_until)
        if not self._rows:
            self._progress.stop()

    def _show(self, name: str, head_time: datetime, scanned_until: datetime) -> None:
        behind = head_time - scanned_until
        if behind < _LONG:
            if name in self._rows:
                self._progress.remove_task(self._rows.pop(name)[0])
            return
        if name not in self._rows:
            task = self._progress.add_task(f"{name}: catching up", behind=behind)
            self._rows[name] = task, scanned_until
            self._progress.start()
        task, since = self._rows[name]
        total, done = (head_time - since).total_seconds(), (scanned_until - since).total_seconds()
        self._progress.update(task, total=total, completed=done, behind=behind, refresh=True)
