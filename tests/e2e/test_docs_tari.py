"""The page about Tari, whose commands are run as they stand there beside a running daemon."""

from pathlib import Path

import pytest

from harvester.domain.lifecycle import Status
from tests.e2e.reader import Reader, check_out
from tests.e2e.tari_shop import open_tari_shop


@pytest.fixture
def tree(checkout_folder: Path) -> Path:
    folder = checkout_folder / "tari-page"
    folder.mkdir()
    return check_out(folder)


async def test_the_page_about_tari(database_uri: str, tree: Path, tmp_path: Path) -> None:
    async with open_tari_shop(database_uri, tmp_path) as shop:
        await shop.place("1001", "alice", 24)
        demos = {"HARVESTER_DATA_DIR": str(tree / "dev")}
        reader = Reader(tree, {**shop.daemon.settings, **demos}, {"http://127.0.0.1:8081": shop.daemon.url})
        await reader.read("docs/how-to/tari.md")
        assert (await shop.order("1001")).status is Status.WAITING
    assert '"status": "New"' in reader.said
    assert '{"valid":true,"reason":null}' in reader.said
    assert "192.168.1.100" in reader.said
