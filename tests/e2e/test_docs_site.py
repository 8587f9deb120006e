"""The commands of the how-tos for TON sites and for what was bought, run as they stand there."""

import json
import re
from pathlib import Path

import pytest

from harvester_ton.devnet.tvm import tvm_available
from tests.e2e.daemon import free_port
from tests.e2e.reader import Reader, check_out

pytestmark = pytest.mark.chain


async def test_ton_site(checkout_folder: Path) -> None:
    folder = checkout_folder / "ton-site"
    folder.mkdir()
    tree = check_out(folder)
    reader = Reader(tree, {}, {})
    await reader.read("docs/how-to/ton-site.md")
    config = json.loads((tree / "config.json").read_text())
    names = set(re.findall(r"[a-z2-7]{55}\.adnl", reader.said))
    assert len(names) == 1, "generated, shown and configured is one site"
    assert config["proxy_pass"] == "http://127.0.0.1:8082/"
    assert (tree / "site.key").read_text().strip() not in reader.said
    assert config["private_key"] not in reader.said


@pytest.mark.skipif(not tvm_available(), reason="there is no TVM for this platform")
async def test_purchase_metadata(checkout_folder: Path) -> None:
    folder = checkout_folder / "purchase-metadata"
    folder.mkdir()
    tree = check_out(folder)
    ports = {"PORT": str(free_port()), "CONTROL_PORT": str(free_port()), "TMPDIR": str(folder)}
    reader = Reader(tree, ports, {})
    await reader.read("docs/how-to/purchase-metadata.md")
    (bought,) = (line for line in reader.said.splitlines() if line.startswith('{"goods"'))
    assert json.loads(bought)["merchant_name"] == "Coffee shop"
