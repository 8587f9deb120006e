"""A storefront and a daemon for each module of stories; the module's SETTINGS go before the usual ones.

At the end of each module the ledger must be sound.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.conftest import new_database
from tests.e2e.tari_shop import open_tari_shop
from tests.services.test_credit_whole import UNSOUND
from tests.shopify.admin_server import admin_server
from tests.tari.stories.storefront import shop_settings
from tests.tari.stories.story import Story


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(
    request: pytest.FixtureRequest, postgres_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Story]:
    """One for all tests of the module: they use nothing of each other's."""
    folder = tmp_path_factory.mktemp("daemon")
    async with new_database(postgres_uri) as uri, admin_server() as admin:
        settings = {**shop_settings(admin), "PUBLIC_RATE": "1000", **getattr(request.module, "SETTINGS", {})}
        async with open_tari_shop(uri, folder, **settings) as shop:
            yield Story(shop, admin)
            async with shop.database.connection() as connection:
                assert await connection.fetch(UNSOUND, "tari") == []
