"""A reader who copies the commands of a page into terminals, one after the other.

A page says with a comment, in the line before a block, what is special about it:

- `<!-- leave running -->`, `<!-- leave running once it says: TEXT -->`: a terminal of its own, until the page is read
- `<!-- run the steps -->`: YAML of a workflow; the commands of its steps
- `<!-- not run: REASON -->`
"""

import asyncio
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.e2e.daemon import clean_environ

ROOT: Final = Path(__file__).parents[2]
START_SECS: Final = 90.0
STOP_SECS: Final = 45.0
_BLOCK: Final = re.compile(r"(?:^<!-- ([^\n]*) -->\n)?^```([a-z]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NOT_COPIED: Final = shutil.ignore_patterns(
    ".git", ".venv", ".*_cache", "__pycache__", "node_modules", "tests", ".hypothesis"
)
_KEEP: Final = 'trap \'{ declare -px; declare -f; printf "cd %q\\n" "$PWD"; } > "$STATE"\' EXIT\n'
_BEGIN: Final = 'set -aeuo pipefail\n[ ! -e "$STATE" ] || . "$STATE"\n'

StandIn = str | Callable[[str], str]


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    remark: str
    language: str
    text: str

    @property
    def commands(self) -> str:
        """What is to be run of it; empty if nothing is."""
        if self.remark.startswith("not run: "):
            return ""
        if self.remark == "run the steps":
            return "\n".join(_steps(yaml.safe_load(self.text)))
        return self.text if self.language == "sh" else ""


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page, in order."""
    return [Block(remark or "", language, text) for remark, language, text in _BLOCK.findall(page)]


def _steps(workflow: dict[str, Any]) -> Iterator[str]:
    for job in workflow["jobs"].values():
        yield from (step["run"] for step in job["steps"] if "run" in step)


def check_out(folder: Path) -> Path:
    """Copy the repository, set up as `make setup` leaves it, with the environment that runs this; return the copy."""
    tree = folder / "harvester"
    shutil.copytree(ROOT, tree, ignore=_NOT_COPIED)
    (tree / ".venv").symlink_to(sys.prefix)
    (tree / "set-up").touch()
    return tree


class Reader:
    """Follows pages in `tree`. What cannot be as it stands there is replaced by what `stand_ins` has for it."""

    def __init__(self, tree: Path, environ: Mapping[str, str], stand_ins: Mapping[str, StandIn]) -> None:
        self.said = ""
        """Everything that the commands have said."""
        self._tree = tree
        self._stand_ins = stand_ins
        self._unused = set(stand_ins)
        self._terminals: list[Path] = []
        # STAMP: what tells make that it is set up; without it, make would install into the environment that runs this.
        ours = {"STATE": str(tree / "state"), "MAKEFLAGS": "STAMP=set-up", "HOME": str(tree)}
        self._environ = clean_environ() | ours | dict(environ)

    async def read(self, *pages: str) -> None:
        """Run all commands of the pages; each must succeed, and each stand-in must have been needed."""
        for page in pages:
            async with AsyncExitStack() as terminals:
                for block in blocks((ROOT / page).read_text()):
                    if commands := self._replaced(block.commands):
                        await self._run(commands, block.remark, terminals)
        assert not self._unused, f"these stand nowhere in {pages}"

    def _replaced(self, commands: str) -> str:
        for text, stand_in in self._stand_ins.items():
            if text in commands:
                self._unused.discard(text)
                commands = commands.replace(text, stand_in if isinstance(stand_in, str) else stand_in(self.heard()))
        return commands

    def heard(self) -> str:
        """Return all that was said until now, by what still runs, too."""
        return self.said + "".join(path.read_text() for path in self._terminals)

    async def _run(self, commands: str, remark: str, terminals: AsyncExitStack) -> None:
        if remark.startswith("leave running"):
            await terminals.enter_async_context(self._left_running(commands, remark.partition("says: ")[2]))
            return
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", _BEGIN + _KEEP + commands),
            cwd=self._tree,
            env=self._environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        self.said += said.decode()
        assert process.returncode == 0, f"{commands}\n{self.heard()}"

    @asynccontextmanager
    async def _left_running(self, commands: str, text: str) -> Any:
        path = self._tree / f"terminal-{len(self._terminals)}"
        self._terminals.append(path)
        with path.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *("bash", "-c", _BEGIN + commands),
                cwd=self._tree,
                env=self._environ,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            await _until_said(process, path, text)
            yield
        finally:
            await _stop(process)


async def _until_said(process: asyncio.subprocess.Process, path: Path, text: str) -> None:
    try:
        async with asyncio.timeout(START_SECS):
            while text not in path.read_text() and process.returncode is None:  # noqa: ASYNC110, ASYNC240 - another process's file
                await asyncio.sleep(0.05)
    except TimeoutError:
        pass
    assert text in path.read_text(), path.read_text()  # noqa: ASYNC240 - as above


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ctrl-C, and wait until everything has ended."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGINT)
    try:
        async with asyncio.timeout(STOP_SECS):
            await process.wait()
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        raise
