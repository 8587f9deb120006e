"""The chain in memory as an installed package: the daemon finds it by its entry point, as it finds any adapter."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from harvester.chain import Adapter, AdapterContext, AdapterPlugin, Finding, Health, Ledger
from harvester.domain.errors import ConfigurationError
from tests.memory_chain import MemoryChain

REPOSITORY = Path(__file__).parents[2]
FAULTS = ("none", "dies", "returns", "sick", "hangs")


class FaultyChain(MemoryChain):
    """Does what MEMORY_FAULT says."""

    fault = "none"
    trouble: str | None = None

    async def run(self, ledger: Ledger, stop: asyncio.Event) -> None:
        if self.fault == "dies":
            raise ZeroDivisionError("a defect for tests")
        if self.fault == "hangs":
            self.trouble = "hangs for ever"
            await asyncio.Event().wait()
        if self.fault != "returns":
            await super().run(ledger, stop)

    def health(self) -> Health:
        return Health(False, None, None, (self.trouble,)) if self.trouble else super().health()

    async def check(self) -> Sequence[Finding]:
        return [Finding(self.fault == "none", "memory chain", self.fault)]


def build(context: AdapterContext) -> Adapter:
    """Build the adapter, or say all that is wrong with its settings."""
    mistakes = []
    fault = context.environ.get("MEMORY_FAULT", "none")
    if fault not in FAULTS:
        mistakes.append(ConfigurationError(f"MEMORY_FAULT: must be one of {', '.join(FAULTS)}"))
    if not context.environ.get("MEMORY_KEY", "0").isdecimal():
        mistakes.append(ConfigurationError("MEMORY_KEY: must be digits"))
    if mistakes:
        raise ExceptionGroup("memory", mistakes)
    chain = FaultyChain(context.clock, watched=context.watched)
    chain.fault = fault
    chain.trouble = "no node answers" if fault == "sick" else None
    return chain


plugin = AdapterPlugin(
    name="memory", build=build, variables=frozenset({"MEMORY_FAULT", "MEMORY_KEY"}), secrets=frozenset({"MEMORY_KEY"})
)


def install(folder: Path) -> dict[str, str]:
    """Install the adapter into `folder` and return the settings with which a process uses it."""
    package = folder / "memory_adapter-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: memory-adapter\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[harvester.adapters]\nmemory = tests.e2e.memory_adapter:plugin\n")
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(REPOSITORY)]), "CHAINS": "memory"}
