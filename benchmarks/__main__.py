"""`python -m benchmarks`: measure the daemon on this machine, beside the original watcher's figures and the limits."""

import argparse
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import uvloop

from benchmarks.api import measure_api
from benchmarks.chain import measure_catch_up, measure_deliveries, measure_detection
from benchmarks.endpoints import measure_endpoints
from benchmarks.proofs import measure_proofs
from benchmarks.report import Line, print_report
from harvester.storage.embedded import embedded_postgres

Measure = Callable[[str, float], Awaitable[list[Line]]]
MEASURES: dict[str, Measure] = {
    "api": measure_api,
    "deliveries": measure_deliveries,
    "endpoints": measure_endpoints,
    "detection": measure_detection,
    "catch-up": measure_catch_up,
    "proofs": measure_proofs,
}


async def measure(names: list[str], scale: float) -> list[Line]:
    """Run the named measures one after another, each on a database of its own."""
    lines: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        async with embedded_postgres(Path(folder) / "postgres") as uri:
            for name in names:
                lines += await MEASURES[name](await _new_database(uri, name), scale)
    return lines


async def _new_database(uri: str, name: str) -> str:
    database = f"bench_{name.replace('-', '_')}"
    admin = await asyncpg.connect(uri)
    try:
        await admin.execute(f"CREATE DATABASE {database}")
    finally:
        await admin.close()
    base, _, query = uri.partition("?")
    return f"{base.rsplit('/', 1)[0]}/{database}" + (f"?{query}" if query else "")


def main() -> None:
    """Parse the command line and print the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="MEASURE", help=f"of: {', '.join(MEASURES)}; none: all")
    parser.add_argument("--scale", type=float, default=1.0, help="multiply the amount of work (default 1)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(MEASURES):
        parser.error(f"no measure called {', '.join(sorted(unknown))}; there are {', '.join(MEASURES)}")
    names = arguments.names or list(MEASURES)
    print_report(uvloop.run(measure(names, arguments.scale)), as_json=arguments.json)


if __name__ == "__main__":
    main()
