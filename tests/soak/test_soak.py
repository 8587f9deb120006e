"""Twenty rounds of the soak run; `make soak` runs as many as one likes."""

import random
import tempfile
from pathlib import Path

import pytest

from harvester_ton.devnet.tvm import tvm_available
from tests.e2e.chain import Chain
from tests.soak.run import Soak

ROUNDS = 20
pytestmark = pytest.mark.chain


async def test_whatever_kills_the_daemon_nothing_is_lost_doubled_untold_or_told_out_of_order(
    postgres_uri: str,
) -> None:
    if not tvm_available():
        pytest.skip("there is no TVM for this platform")
    seed, points = random.randrange(1_000_000), list[str]()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        async with Chain.open(Path(folder)) as chain:
            soak = Soak(postgres_uri, chain, Path(folder), random.Random(seed))
            verdict = await soak.run(ROUNDS, lambda _number, point: points.append(point))
    assert verdict.findings == [], f"SEED={seed}"
    assert verdict.payments > ROUNDS
    assert len(points) == ROUNDS
