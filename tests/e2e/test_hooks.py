"""Hooks of a real daemon: each event at least once, in order, each hook by itself, through kills and restarts."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harvester.storage.database import Database
from tests.e2e import hook_plugin
from tests.e2e.daemon import Daemon
from tests.e2e.eventually import eventually
from tests.e2e.memory_adapter import install
from tests.e2e.test_cli import Shell
from tests.outbox import rows
from tests.receiver import receiving

SECRET = "hunter2-hunter2"


@dataclass
class World:
    """A daemon with hooks, and commands with its settings."""

    daemon: Daemon
    shell: Shell
    database: Database

    @property
    def diary(self) -> Path:
        return self.daemon.folder / "diary"

    @property
    def hold(self) -> Path:
        return self.diary.with_suffix(".hold")

    def lines(self) -> list[list[str]]:
        """Return what the diary says: invoice, sequence, type, event id."""
        return [line.split() for line in self.diary.read_text().splitlines()] if self.diary.exists() else []

    async def until_written(self, count: int) -> None:
        async def written() -> bool:
            return len(self.lines()) >= count

        await eventually(written, f"{count} lines are written")

    async def until_delivered(self, endpoint: str, count: int) -> None:
        query = """SELECT count(*) FROM deliveries JOIN endpoints ON endpoints.id = endpoint_id
        WHERE name = $1 AND status = 'delivered'"""

        async def delivered() -> bool:
            return int((await rows(self.database, query, endpoint))[0]["count"]) >= count

        await eventually(delivered, f"{endpoint} has taken {count}")

    async def make_and_cancel(self) -> str:
        """Make an invoice and cancel it: two events."""
        made = await self.shell.json("invoice", "create", "1", "TOK")
        await self.shell.json("invoice", "cancel", made["id"])
        return str(made["id"])

    def set_hooks(self, names: str) -> None:
        self.daemon.settings["HOOKS"] = self.shell.settings["HOOKS"] = names


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    settings = install(tmp_path / "site") | {
        "TOKEN": "sesame-open",
        "POSTGRES_URI": database.uri,
        "HOOKS": "diary",
        "DIARY_FILE": str(tmp_path / "diary"),
        "FAILING_SECRET": SECRET,
    }
    hook_plugin.install(tmp_path / "site")
    daemon = Daemon(settings, tmp_path)
    yield World(daemon, Shell(settings, tmp_path), database)
    await daemon.kill()


async def test_each_event_comes_in_order_and_again_after_a_kill(world: World) -> None:
    world.hold.touch()
    await world.daemon.start_ready()
    invoice_id = await world.make_and_cancel()
    await world.until_written(1)
    await world.daemon.kill()
    world.hold.unlink()
    await world.daemon.start_ready()
    await world.until_delivered("hook.diary", 2)
    lines = world.lines()
    assert [line[:3] for line in lines] == [
        [invoice_id, "1", "invoice.created"],
        [invoice_id, "1", "invoice.created"],
        [invoice_id, "2", "invoice.cancelled"],
    ]
    assert lines[0] == lines[1], "it is the same event, by its id"


async def test_a_hook_that_fails_or_hangs_holds_up_neither_hooks_nor_webhooks(world: World) -> None:
    world.set_hooks("hanging,failing,diary")
    async with receiving() as receiver:
        world.daemon.settings["WEBHOOK_ENDPOINT"] = receiver.url
        await world.daemon.start_ready()
        ids = [await world.make_and_cancel() for _ in range(5)]
        await receiver.wait_for(10)
        await world.until_delivered("hook.diary", 10)
        await world.until_delivered("environment", 10)
    assert {line[0] for line in world.lines()} == set(ids)
    (state,) = await rows(
        world.database,
        """SELECT count(*) FILTER (WHERE name = 'hook.failing' AND attempts > 0) AS failed,
                  count(*) FILTER (WHERE name = 'hook.hanging') AS hanging,
                  count(*) FILTER (WHERE name IN ('hook.hanging', 'hook.failing') AND status = 'pending') AS pending
        FROM deliveries JOIN endpoints ON endpoints.id = endpoint_id""",
    )
    assert (state["hanging"], state["pending"]) == (10, 20)
    assert state["failed"] >= 1


async def test_what_a_hook_tells_of_its_failure_holds_no_secret(world: World) -> None:
    world.set_hooks("failing")
    await world.daemon.start_ready()
    await world.make_and_cancel()

    async def failed() -> bool:
        return len(await rows(world.database, "SELECT 1 FROM delivery_attempts")) > 0

    await eventually(failed, "it has failed")
    listed = await world.shell.json("webhook", "list", "--status", "pending", "--endpoint", "hook.failing")
    said = [each["last_attempt"]["error"] for each in listed["deliveries"] if "last_attempt" in each]
    assert said == ["ValueError: invoice.created: cannot log in with [secret]"]
    assert SECRET not in world.daemon.log
    assert "a hook failed" in world.daemon.log


async def test_a_hook_that_asks_for_time_gets_it_and_its_invoice_waits(world: World) -> None:
    world.set_hooks("patient")
    await world.daemon.start_ready()
    await world.make_and_cancel()
    query = "SELECT attempted_at FROM delivery_attempts"

    async def tried() -> bool:
        return len(await rows(world.database, query)) > 0

    await eventually(tried, "it was tried")
    ((attempted_at,),) = await rows(world.database, query)
    deliveries = await rows(world.database, "SELECT due_at, attempts FROM deliveries ORDER BY sequence")
    assert [row["attempts"] for row in deliveries] == [1, 0]
    assert (deliveries[0]["due_at"] - attempted_at).total_seconds() >= 7200


async def test_a_hook_that_hooks_no_longer_names_is_disabled_and_goes_on_when_it_is_put_back(world: World) -> None:
    world.hold.touch()
    await world.daemon.start_ready()
    await world.make_and_cancel()
    await world.until_written(1)
    await world.daemon.kill()
    world.hold.unlink()
    world.set_hooks("")
    await world.daemon.start_ready()
    endpoint = await shown(world, "hook.diary")
    assert (endpoint["enabled"], endpoint["disabled_reason"]) == (False, "HOOKS does not name it")
    unheard = await world.make_and_cancel()
    world.set_hooks("diary")
    await world.daemon.restart()
    await world.until_delivered("hook.diary", 2)
    assert (await shown(world, "hook.diary"))["enabled"]
    assert unheard not in {line[0] for line in world.lines()}
    replayed = await world.shell.json("endpoint", "replay", "hook.diary", "--since", "2020-01-01")
    assert replayed == {"replayed": 4}
    await world.until_delivered("hook.diary", 4)
    assert unheard in {line[0] for line in world.lines()}


async def shown(world: World, name: str) -> dict[str, Any]:
    """Return an endpoint as the command line lists it."""
    listed = (await world.shell.json("endpoint", "list"))["endpoints"]
    found: dict[str, Any] = next(each for each in listed if each["name"] == name)
    return found


async def test_commands_show_hooks_send_their_events_again_and_refuse_what_makes_no_sense(world: World) -> None:
    await world.daemon.start_ready()
    await world.make_and_cancel()
    await world.until_delivered("hook.diary", 2)
    endpoint = await shown(world, "hook.diary")
    assert (endpoint["url"], endpoint["event_types"]) == ("hook:diary", list(hook_plugin.EVENT_TYPES))
    listed = await world.shell.json("webhook", "list", "--status", "delivered", "--endpoint", "hook.diary")
    await world.shell.json("webhook", "resend", str(listed["deliveries"][0]["id"]))
    await world.until_written(3)
    assert world.lines()[2] == world.lines()[1]
    for command in (
        ("test", "hook.diary"),
        ("change", "hook.diary", "--event", "invoice.paid"),
        ("change", "hook.diary", "--url", "https://example.org/"),
        ("remove", "hook.diary"),
        ("rotate-secret", "hook.diary"),
    ):
        assert "is a hook" in await world.shell.fails("endpoint", *command)
    assert "not beginning with hook." in await world.shell.fails("endpoint", "add", "hook.x", "https://example.org/")


async def test_a_hook_that_is_not_there_or_not_configured_stops_the_start(world: World) -> None:
    world.set_hooks("diary,fax,deaf")
    del world.shell.settings["DIARY_FILE"]
    status, _, said = await world.shell("run")
    assert status == 78
    assert "HOOKS: no hook called 'fax' is installed (installed: deaf, diary, failing" in said
    assert "HOOKS: deaf must ask for one or more of the events invoice.created" in said
    assert "DIARY_FILE: is not set" in said


async def test_a_check_tries_hooks_too(world: World) -> None:
    world.set_hooks("diary,sick")
    status, stdout, _ = await world.shell("check", "--json")
    assert status == 1
    wrong = [each for each in json.loads(stdout)["findings"] if not each["ok"]]
    assert wrong == [{"ok": False, "subject": "sick", "message": "nobody is there"}]
