"""`harvester run` as a process: how it starts, what it says while something is missing, and how it ends."""

import asyncio
import json
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import asyncpg
import pytest

from harvester.supervision import ONE_SIGNAL_SECS
from tests.conftest import with_database
from tests.e2e.daemon import START_SECS, Daemon, harvester
from tests.e2e.memory_adapter import install
from tests.e2e.service_manager import ServiceManager

Body = dict[str, object]


@pytest.fixture
def settings(tmp_path: Path, database_uri: str) -> dict[str, str]:
    return install(tmp_path / "site") | {"TOKEN": "sesame-open", "POSTGRES_URI": database_uri}


@pytest.fixture
async def daemon(settings: dict[str, str], tmp_path: Path) -> AsyncIterator[Daemon]:
    started = Daemon(settings, tmp_path)
    yield started
    await started.kill()


class Door:
    """A way to the database that can be shut: a folder with a link to the server's socket, or without."""

    def __init__(self, uri: str, folder: Path) -> None:
        (self._server_folder,) = parse_qs(urlsplit(uri).query)["host"]
        self._uri = uri
        self._link = folder / ".s.PGSQL.5432"
        self.uri = f"{uri.partition('?')[0]}?host={folder}"

    def open(self) -> None:
        self._link.symlink_to(Path(self._server_folder) / self._link.name)

    async def shut(self) -> None:
        self._link.unlink()
        admin = await asyncpg.connect(self._uri)
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await admin.close()


@pytest.fixture
def door(database_uri: str) -> Iterator[Door]:
    folder = tempfile.mkdtemp(prefix="door")  # a socket's path has room for some 100 characters: tmp_path is too long
    yield Door(database_uri, Path(folder))
    shutil.rmtree(folder)


async def run(*options: str, environ: dict[str, str], folder: Path) -> tuple[int, str, str]:
    """Run a daemon that is expected to end by itself."""
    async with asyncio.timeout(START_SECS):
        return await harvester("run", *options, environ=environ, folder=folder)


def log_lines(daemon: Daemon) -> list[dict[str, object]]:
    return [json.loads(line) for line in daemon.log.splitlines()]


async def until_logged(daemon: Daemon, text: str) -> None:
    async with asyncio.timeout(START_SECS):
        while text not in daemon.log:
            await daemon._pause()


def because(text: str) -> Callable[[int, Body], bool]:
    return lambda status, body: status == 503 and any(text in str(reason) for reason in _reasons(body))


def _reasons(body: Body) -> list[object]:
    reasons = body["reasons"]
    assert isinstance(reasons, list)
    return reasons


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_with_status_0_and_every_line_of_its_log_is_json(
    daemon: Daemon, number: signal.Signals
) -> None:
    await daemon.start_ready()
    assert await daemon.end(number) == 0
    messages = [line["message"] for line in log_lines(daemon)]
    assert messages[0] == "listening"
    assert messages[-2:] == ["stopping", "stopped"]


async def test_wrong_settings_are_told_a_line_each_without_secrets_and_end_it_with_78(
    settings: dict[str, str], tmp_path: Path
) -> None:
    wrong = {
        "PORT": "http",
        "METRICS": "everywhere",
        "TOKEN": "geheim with spaces",
        "POSTGRES_URI": "geheim://u:geheim@h/d",
        "WEBHOOK_ENDPOINT": "geheim",
        "WEBHOOK_SECRET": "whsec_geheim",
        "MEMORY_KEY": "geheim",
        "LOG_LEVEL": "LOUD",
        "ROLE": "geheim",
    }
    status, stdout, stderr = await run(environ=settings | wrong, folder=tmp_path)
    assert status == 78
    assert stdout == ""
    assert sorted(line.partition(":")[0] for line in stderr.splitlines()) == sorted(wrong)
    assert "geheim" not in stderr


async def test_a_role_that_does_not_exist_is_refused_with_those_that_do(
    settings: dict[str, str], tmp_path: Path
) -> None:
    status, _, stderr = await run("--role", "api,everything", environ=settings, folder=tmp_path)
    assert status == 2
    assert "must be api, watch and deliver" in stderr


async def test_a_process_that_only_serves_the_api_does_not_scan_and_is_ready(daemon: Daemon) -> None:
    daemon.settings["ROLE"] = "api"
    await daemon.start()
    await daemon.until_readiness(lambda status, body: status == 200 and "other roles" in str(body["chains"]))
    assert "scans the chain" not in daemon.log


async def test_a_process_that_does_not_serve_the_api_tells_its_state_where_its_metrics_are(daemon: Daemon) -> None:
    daemon.settings |= {"ROLE": "watch,deliver", "METRICS": f"127.0.0.1:{daemon.port}"}
    await daemon.start_ready()
    async with aiohttp.ClientSession(daemon.url) as session:
        async with session.get("/metrics") as answer:
            assert 'harvester_leases_held{name="chain:memory"} 1.0' in await answer.text()
        async with session.get("/tonpay/public/api/v1/manifest") as answer:
            assert answer.status == 404


async def test_dotenv_in_the_working_folder_is_read(settings: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('PORT=never\nLOG_LEVEL="LOUD"\n')
    status, _, stderr = await run(environ=settings | {"PORT": "0"}, folder=tmp_path)
    assert (status, stderr) == (78, "LOG_LEVEL: must be DEBUG, INFO, WARN or ERROR\n")


async def test_a_database_that_is_away_at_the_start_is_waited_for_while_the_api_says_so(
    settings: dict[str, str], tmp_path: Path, door: Door
) -> None:
    daemon = Daemon(settings | {"POSTGRES_URI": door.uri}, tmp_path)
    try:
        await daemon.start()
        await daemon.until_readiness(because("the database does not answer"))
        async with aiohttp.ClientSession() as session, session.get(f"{daemon.url}/livez") as answer:
            assert answer.status == 200
        door.open()
        await daemon.until_readiness(lambda status, _body: status == 200)
        await door.shut()
        await daemon.until_readiness(because("the database does not answer"))
        door.open()
        await daemon.until_readiness(lambda status, _body: status == 200)
        assert await daemon.stop() == 0
    finally:
        await daemon.kill()
    assert "sesame-open" not in daemon.log


async def test_a_stop_while_waiting_for_the_database_is_obeyed(
    settings: dict[str, str], tmp_path: Path, door: Door
) -> None:
    daemon = Daemon(settings | {"POSTGRES_URI": door.uri}, tmp_path)
    await daemon.start()
    await daemon.until_readiness(because("the database does not answer"))
    assert await daemon.stop() == 0


async def test_a_newer_database_ends_it_with_78(settings: dict[str, str], tmp_path: Path, database_uri: str) -> None:
    admin = await asyncpg.connect(database_uri)
    await admin.execute("INSERT INTO schema_migrations (scope, version, name, checksum) VALUES ('core', 999, 'x', 'y')")
    await admin.close()
    status, _, stderr = await run(environ=settings | {"METRICS": "off", "PORT": "0"}, folder=tmp_path)
    assert status == 78
    assert "the database has core schema version 999" in stderr.splitlines()[-1]


@pytest.mark.parametrize(("options", "setting"), [(["--no-migrate"], "on"), ([], "off")])
async def test_missing_migrations_end_it_with_78_if_it_may_not_apply_them(
    settings: dict[str, str], tmp_path: Path, postgres_uri: str, options: list[str], setting: str
) -> None:
    environ = settings | {"METRICS": "off", "PORT": "0", "MIGRATE": setting}
    environ["POSTGRES_URI"] = with_database(postgres_uri, "template1")  # every server has it, and it is empty
    status, _, stderr = await run(*options, environ=environ, folder=tmp_path)
    assert status == 78
    assert "core/0001" in stderr.splitlines()[-1]
    assert "harvester migrate" in stderr.splitlines()[-1]


@pytest.mark.parametrize("setting", ["PORT", "METRICS"])
async def test_a_port_that_is_taken_is_told_in_one_line_and_may_be_tried_again(
    settings: dict[str, str], tmp_path: Path, setting: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        values = {"PORT": str(port), "METRICS": "off"} if setting == "PORT" else {"METRICS": f"127.0.0.1:{port}"}
        status, _, stderr = await run(environ=settings | {"PORT": "0"} | values, folder=tmp_path)
    assert status == 1
    assert stderr == f"{setting}: cannot listen on 127.0.0.1:{port} (Address already in use)\n"


@pytest.mark.parametrize(("fault", "said"), [("dies", "a defect for tests"), ("returns", "has returned although")])
async def test_a_dead_task_ends_the_process_loudly(
    settings: dict[str, str], tmp_path: Path, fault: str, said: str
) -> None:
    environ = settings | {"METRICS": "off", "PORT": "0", "MEMORY_FAULT": fault}
    status, _, stderr = await run(environ=environ, folder=tmp_path)
    assert status == 70
    lines = [json.loads(line) for line in stderr.splitlines()]
    assert [line["task"] for line in lines if line["level"] == "critical" and "task" in line] == ["memory"]
    assert said in lines[-1]["exception"]


async def test_a_second_signal_ends_it_at_once(settings: dict[str, str], tmp_path: Path) -> None:
    daemon = Daemon(settings | {"MEMORY_FAULT": "hangs"}, tmp_path)
    await daemon.start()
    await daemon.until_readiness(because("memory: hangs for ever"))
    assert daemon._process
    daemon._process.send_signal(signal.SIGTERM)
    await until_logged(daemon, '"stopping"')
    await asyncio.sleep(2 * ONE_SIGNAL_SECS)  # sooner, it would be the first one over again
    assert await daemon.stop() == 128 + signal.SIGTERM


async def test_without_a_uri_the_embedded_database_is_used_and_kept(settings: dict[str, str], tmp_path: Path) -> None:
    folder = tempfile.mkdtemp(prefix="data")
    environ = {name: value for name, value in settings.items() if name != "POSTGRES_URI"} | {"DATA_DIR": folder}
    try:
        daemon = Daemon(environ, tmp_path)
        await daemon.start_ready()
        created, stdout, _ = await harvester(
            "invoice", "create", "5", "MEM", "--json", environ=environ, folder=tmp_path
        )
        assert created == 0
        assert await daemon.stop() == 0
        found, _, _ = await harvester("invoice", "show", json.loads(stdout)["id"], environ=environ, folder=tmp_path)
        assert found == 0
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def manager() -> Iterator[ServiceManager]:
    listener = ServiceManager()
    yield listener
    listener.close()


async def test_the_service_manager_hears_of_ready_progress_and_stop(
    settings: dict[str, str], tmp_path: Path, manager: ServiceManager
) -> None:
    daemon = Daemon(settings | {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "300000"}, tmp_path)
    await daemon.start()
    assert any(word.startswith("STATUS=ready; memory 0 s behind") for word in await manager.until("READY=1"))
    await manager.until("WATCHDOG=1")
    stopping = asyncio.create_task(daemon.stop())
    await manager.until("STOPPING=1")
    assert await stopping == 0


async def test_it_is_not_called_ready_while_no_node_answers_but_asks_for_patience(
    settings: dict[str, str], tmp_path: Path, manager: ServiceManager
) -> None:
    daemon = Daemon(settings | {"NOTIFY_SOCKET": manager.address, "MEMORY_FAULT": "sick"}, tmp_path)
    await daemon.start()
    heard = await manager.until("STATUS=memory: no node answers")
    heard += await manager.until("EXTEND_TIMEOUT_USEC=")
    assert "READY=1" not in heard
    assert await daemon.stop() == 0
