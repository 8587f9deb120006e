"""`python -m tests.soak [orders]`: kills the daemon ROUNDS times and audits what is left. SEED repeats a run's choices.

`orders`: on the path of orders, claims and credit (CHAINS=tari) instead of that of invoices (CHAINS=ton).

The last line is one JSON object; the exit status is 1 unless nothing was lost, doubled, untold or told out of order.
"""

import asyncio
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from harvester.storage.embedded import embedded_postgres
from tests.conftest import make_template
from tests.e2e.chain import Chain
from tests.soak.audit import Verdict
from tests.soak.orders import soak_orders
from tests.soak.run import Soak


async def soak(rounds: int, seed: int, orders: bool) -> Verdict:
    """Run in folders and a PostgreSQL of its own."""
    started = time.monotonic()

    def report(number: int, point: str) -> None:
        print(f"{time.monotonic() - started:7.1f} s  round {number} of {rounds}: {point}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as folder:
        async with embedded_postgres(Path(folder) / "postgres") as uri:
            if orders:
                await make_template(uri)
                return await soak_orders(uri, Path(folder), random.Random(seed), rounds, report)
            async with Chain.open(Path(folder)) as chain:
                return await Soak(uri, chain, Path(folder), random.Random(seed)).run(rounds, report)


def main() -> int:
    """Return the exit status."""
    rounds, seed = int(os.environ.get("ROUNDS") or 200), int(os.environ.get("SEED") or time.time_ns() % 1_000_000)
    print(f"ROUNDS={rounds} SEED={seed}", file=sys.stderr, flush=True)
    verdict = asyncio.run(soak(rounds, seed, orders=sys.argv[1:] == ["orders"]))
    for finding in verdict.findings:
        print(finding, file=sys.stderr)
    print(json.dumps(verdict.numbers()))
    return 0 if verdict.good else 1


if __name__ == "__main__":
    sys.exit(main())
