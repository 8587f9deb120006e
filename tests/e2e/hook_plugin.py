"""Hooks as an installed package: one writes down what it hears, one always fails, one hangs."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from harvester.chain import AdapterContext, Finding
from harvester.chain.hooks import Hook, HookEvent, HookPlugin, Later

EVENT_TYPES = ("invoice.created", "invoice.paid", "invoice.cancelled", "invoice.expired")


class Diary:
    """Writes a line for each event, then waits while the file DIARY_HOLD is there: it is killed before it is done."""

    event_types = EVENT_TYPES

    def __init__(self, path: Path) -> None:
        self._path = path

    async def handle(self, event: HookEvent) -> None:
        with self._path.open("a") as file:
            file.write(f"{event.body['id']} {event.sequence} {event.type} {event.id}\n")
        if self._path.with_suffix(".hold").exists():
            await asyncio.Event().wait()


class Failing:
    """Fails, and tells its secret."""

    event_types = EVENT_TYPES

    def __init__(self, secret: str) -> None:
        self._secret = secret

    async def handle(self, event: HookEvent) -> None:
        raise ValueError(f"{event.type}: cannot log in with {self._secret}")


class Patient:
    """Wants to be asked in two hours."""

    event_types = EVENT_TYPES

    async def handle(self, _event: HookEvent) -> None:
        raise Later("in two hours", 7200)


class Deaf:
    """Wants to hear of what never happens."""

    event_types = ("invoice.payed",)

    async def handle(self, _event: HookEvent) -> None:
        return


class Sick:
    """Its settings are wrong, which only trying them shows."""

    event_types = EVENT_TYPES

    async def handle(self, _event: HookEvent) -> None:
        return

    async def check(self) -> Sequence[Finding]:
        return [Finding(False, "sick", "nobody is there")]


class Hanging:
    """Never ends by itself."""

    event_types = EVENT_TYPES

    async def handle(self, _event: HookEvent) -> None:
        await asyncio.Event().wait()


def build_diary(context: AdapterContext) -> Hook:
    """Build it."""
    return Diary(Path(context.environ["DIARY_FILE"]))


diary = HookPlugin("diary", build_diary, frozenset({"DIARY_FILE"}))
failing = HookPlugin(
    "failing",
    lambda context: Failing(context.environ["FAILING_SECRET"]),
    frozenset({"FAILING_SECRET"}),
    frozenset({"FAILING_SECRET"}),
)
hanging = HookPlugin("hanging", lambda _context: Hanging())
deaf = HookPlugin("deaf", lambda _context: Deaf())
sick = HookPlugin("sick", lambda _context: Sick())
patient = HookPlugin("patient", lambda _context: Patient())


def install(folder: Path) -> None:
    """Install them into `folder`, which is on the path of the process that is to use them."""
    package = folder / "hook_plugin-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: hook-plugin\nVersion: 1.0\n")
    lines = [
        f"{name} = tests.e2e.hook_plugin:{name}\n"
        for name in ("deaf", "diary", "failing", "hanging", "patient", "sick")
    ]
    (package / "entry_points.txt").write_text("[harvester.hooks]\n" + "".join(lines))
