"""All commands in README and documentation are run as they stand there, by a reader in a fresh checkout."""

import re
from pathlib import Path
from typing import Any

import pytest

from harvester_ton.devnet.tvm import tvm_available
from tests.e2e.chain import Chain, payment_of
from tests.e2e.conftest import World
from tests.e2e.daemon import free_port
from tests.e2e.eventually import eventually
from tests.e2e.reader import ROOT, Reader, blocks, check_out

pytestmark = pytest.mark.chain

PAGES = [path.relative_to(ROOT) for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]]
HOW_TO = (
    "docs/how-to/orders.md",
    "docs/how-to/orders-and-credit.md",
    "docs/how-to/webhooks.md",
    "docs/how-to/payments.md",
    "docs/how-to/rotate-secrets.md",
    "docs/how-to/prices.md",
    "docs/how-to/accounting.md",
    "docs/operations.md",
)
"""Pages for somebody whose daemon runs."""
ELSEWHERE = (
    "docs/how-to/ton-site.md",
    "docs/how-to/purchase-metadata.md",
    "docs/how-to/install.md",
    "docs/how-to/tari.md",
)
"""Pages that are run by `test_docs_site.py`, `test_docs_install.py` and `test_docs_tari.py`."""
RUN = {"README.md", "docs/tutorial.md", "docs/how-to/test-in-ci.md", *HOW_TO, *ELSEWHERE}
NOT_RUN = {"docs/how-to/install.md": 3, "docs/local-chain.md": 2, "docs/operations.md": 1, "docs/how-to/ton-site.md": 2}
"""Blocks of commands that say why they are not run, by page."""


@pytest.fixture
def tree(checkout_folder: Path, request: pytest.FixtureRequest) -> Path:
    if not tvm_available():
        pytest.skip("there is no TVM for this platform")
    folder = checkout_folder / re.sub(r"\W", "-", request.node.name)
    folder.mkdir()
    return check_out(folder)


@pytest.mark.asyncio(loop_scope="module")
async def test_readme(chain: Chain, tree: Path) -> None:
    await chain.ask("/deploy", {})
    reader = Reader(
        tree,
        {"PORT": str(free_port()), "METRICS": "off", "DATA_DIR": str(tree / "data")},
        {
            "TOKEN=…": lambda said: f"TOKEN={one(r'^token +(.+)', said)}",
            "http://127.0.0.1:8081": lambda said: one(r"^API +(.+)", said),
            ".venv/bin/harvester dev pay INVOICE_ID": lambda said: (
                one(r"^  (.+ dev pay.* )INVOICE_ID", said) + "INVOICE_ID"
            ),
            "INVOICE_ID": lambda said: one(r'"id":"([^"]+)","status":"waiting"', said),
            "UQ…": chain.recipient,
            "https://ton.org/global.config.json": str(chain.config_path),
        },
    )
    await reader.read("README.md")
    assert reader.said.count('"status":"waiting"') >= 1


@pytest.mark.asyncio(loop_scope="module")
async def test_tutorial(tree: Path) -> None:
    api, control, hook = (str(free_port()) for _ in range(3))
    reader = Reader(
        tree,
        {"PORT": api, "RECEIVER_PORT": hook, "METRICS": "off", "HARVESTER_URL": f"http://127.0.0.1:{api}"},
        {
            "8081": api,
            "8082": control,
            "9000": hook,
            "harvester dev pay": f"harvester dev pay --control http://127.0.0.1:{control}",
        },
    )
    await reader.read("docs/tutorial.md")
    invoice_id = one(r'"id":"([^"]+)","status":"waiting"', reader.said)
    assert f"invoice.created {invoice_id} waiting\n" in reader.heard()
    assert f"invoice.paid {invoice_id} paid\n" in reader.heard()
    assert "\n401\n" in reader.said


@pytest.mark.asyncio(loop_scope="module")
async def test_how_to_pages(world: World, tree: Path) -> None:
    invoice = await world.shop.create("TON", 1_000_000)
    first, second = [await unmatched(world, invoice, text) for text in ("for a book", "by mistake")]
    stand_ins = {
        "SECOND_PAYMENT_ID": second,
        "PAYMENT_ID": first,
        "INVOICE_ID": invoice["id"],
        "http://127.0.0.1:8081": world.daemon.url,
    }
    reader = Reader(tree, world.daemon.settings, stand_ins)
    await reader.read(*HOW_TO)
    assert (await world.shop.get(invoice["id"]))["status"] == "paid"
    assert reader.said.count('"order_id":"2026-1117"') == 2
    assert '"currency":"USD","rate":"5.23"' in reader.said
    assert '"balance":"100000000","owed":"0"' in reader.said
    assert "customer:customer-90" in reader.said
    assert "whsec_" in reader.said


@pytest.mark.asyncio(loop_scope="module")
async def test_test_in_ci(chain: Chain, tree: Path) -> None:
    api, control, hook = (str(free_port()) for _ in range(3))
    ours = {"PORT": api, "CONTROL_PORT": control, "WEBHOOK_ENDPOINT": f"http://127.0.0.1:{hook}/"}
    shops = "postgresql://shop@127.0.0.1:1/shop"  # which must not become the harvester's
    (tree / ".env").write_text(f"POSTGRES_URI={shops}\nLOG_LEVEL=chatty\n")
    environ = {**ours, "CONTROL_URL": chain.facts["control_url"], "TMPDIR": str(tree), "POSTGRES_URI": shops}
    reader = Reader(tree, environ, {"-C harvester ": "", "harvester/": ""})
    await reader.read("docs/how-to/test-in-ci.md")
    assert "Ran 2 tests" in reader.said


async def unmatched(world: World, invoice: dict[str, Any], text: str) -> str:
    """Pay what the invoice asks for with a text that names none; return the payment's number."""
    await world.chain.pay(payment_of(invoice, text=text))
    path = f"/tonpay/private/api/v1/payments?class=unmatched&text={text}"
    found: list[dict[str, Any]] = []

    async def recorded() -> bool:
        found[:] = (await world.shop.ask("GET", path))["payments"]
        return bool(found)

    await eventually(recorded, text)
    return str(found[0]["id"])


def one(pattern: str, text: str) -> str:
    """Return what the pattern's group matches last."""
    found = re.findall(pattern, text, re.MULTILINE)
    assert found, f"{pattern} is not in {text}"
    return str(found[-1])


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_block_says_what_it_is_and_why_it_is_not_run(page: Path) -> None:
    found = blocks((ROOT / page).read_text())
    assert (ROOT / page).read_text().count("\n```") == 2 * len(found), "a block that is not closed, or has no language"
    assert all(block.language for block in found)
    shell = [block for block in found if block.language == "sh"]
    kept_back = [block for block in shell if not block.commands]
    assert len(kept_back) == NOT_RUN.get(str(page), 0)
    assert len(kept_back) == len(shell) or str(page) in RUN


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", (ROOT / page).read_text()):
        if "://" not in link:
            path, _, anchor = link.partition("#")
            target = (ROOT / page).parent / path if path else ROOT / page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def anchors(page: Path) -> set[str]:
    """The names of a page's headings in links."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 200
