"""`harvester dev pay`: each manner of paying has the effect that its name promises."""

import json

import pytest

from tests.e2e.conftest import World
from tests.e2e.eventually import eventually

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="module")]

AMOUNT = 1_000_001


async def pay(world: World, *arguments: str) -> tuple[int, str, str]:
    """Run the command against this daemon and this chain."""
    control = world.chain.facts["control_url"]
    return await world.harvester("dev", "pay", *arguments, "--url", world.daemon.url, "--control", control)


@pytest.mark.parametrize(
    ("currency", "manner", "status", "overpayment"),
    [
        ("TON", [], "paid", 0),
        ("TON", ["--partial"], "waiting", 500_000),
        ("TON", ["--over"], "paid", 500_000),
        ("TON", ["--twice"], "paid", AMOUNT),
        ("TON", ["--amount", "7"], "waiting", 7),
        ("TON", ["--comment"], "paid", 0),
        ("USDX", ["--no-notify"], "paid", 0),
        ("EURX", ["--partial", "--twice"], "waiting", 1_000_000),
        ("USDX", ["--late"], "expired", AMOUNT),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
async def test_a_manner_of_paying_does_what_it_says(
    world: World, currency: str, manner: list[str], status: str, overpayment: int
) -> None:
    invoice = await world.shop.create(currency, AMOUNT)
    returned, stdout, stderr = await pay(world, invoice["id"], *manner, "--json")
    assert returned == 0, stderr
    assert json.loads(stdout)["invoice_id"] == invoice["id"]

    async def shown() -> bool:
        seen = await world.shop.get(invoice["id"])
        return (seen["status"], int(seen["overpayment"])) == (status, overpayment)

    await eventually(shown, f"{status}, overpayment {overpayment}")


async def test_a_text_of_ones_own_reaches_the_merchant(world: World) -> None:
    invoice = await world.shop.create("TON", AMOUNT)
    assert (await pay(world, invoice["id"], "--comment", "no reference at all"))[0] == 0

    async def listed() -> bool:
        _, stdout, _ = await world.harvester("payment", "list", "--class", "unmatched", "--json")
        return any(payment.get("text") == "no reference at all" for payment in json.loads(stdout)["payments"])

    await eventually(listed, "the unmatched payment")


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--partial", "--over"], 2, "exclude each other"),
        (["--amount", "0"], 2, "--amount"),
        (["--no-notify"], 1, "--no-notify is for jettons"),
    ],
)
async def test_what_makes_no_sense_is_refused(world: World, arguments: list[str], status: int, says: str) -> None:
    invoice = await world.shop.create("TON", AMOUNT)
    returned, _, stderr = await pay(world, invoice["id"], *arguments)
    assert returned == status
    assert says in stderr
    assert stderr.count("\n") == 1


async def test_an_unknown_invoice_is_said_to_be_unknown(world: World) -> None:
    returned, _, stderr = await pay(world, "01900000-0000-7000-8000-000000000000")
    assert (returned, "not found" in stderr) == (1, True)


async def test_nobody_listening_is_told_in_one_line(world: World) -> None:
    returned, _, stderr = await world.harvester("dev", "pay", "x", "--url", "http://127.0.0.1:9")
    assert (returned, stderr.count("\n")) == (1, 1)
    assert "is `harvester dev` running there?" in stderr
