"""Some rounds of the soak runs; `make soak` and `make soak-orders` run as many as one likes."""

import random
import tempfile
from pathlib import Path

import pytest

from harvester_ton.devnet.tvm import tvm_available
from tests.e2e.chain import Chain
from tests.soak.orders import soak_orders
from tests.soak.run import Soak

ROUNDS = 20
ORDER_ROUNDS = 6


@pytest.mark.chain
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


async def test_whatever_kills_the_desk_every_order_is_paid_once_and_credit_is_neither_lost_nor_doubled(
    postgres_uri: str,
) -> None:
    seed, points = random.randrange(1_000_000), list[str]()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        verdict = await soak_orders(
            postgres_uri,
            Path(folder),
            random.Random(seed),
            ORDER_ROUNDS,
            lambda _number, point: points.append(point),
        )
    assert verdict.findings == [], f"SEED={seed}"
    assert verdict.payments > ORDER_ROUNDS
    assert len(points) == ORDER_ROUNDS
