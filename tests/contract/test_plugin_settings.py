"""Every plug-in says exactly which variables it reads, and answers whatever they hold with mistakes alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.chain import AdapterPlugin
from harvester.chain.hooks import HookPlugin
from harvester.chain.settings import PluginSettings
from harvester.domain.errors import ConfigurationError
from harvester_shopify.plugin import plugin as shopify
from harvester_shopify.settings import ShopifySettings
from harvester_tari.plugin import plugin as tari
from harvester_tari.settings import TariSettings
from harvester_ton.plugin import plugin as ton
from harvester_ton.settings import TonSettings
from tests.contract.settings import mistakes_in
from tests.shopify.test_settings import LEAST
from tests.tari.builders import ADDRESS
from tests.tari.test_settings import WALLET
from tests.ton.test_settings import NEEDED

PLUGINS: dict[type[PluginSettings], AdapterPlugin | HookPlugin] = {
    TonSettings: ton,
    TariSettings: tari,
    ShopifySettings: shopify,
}
NEEDS = {TonSettings: NEEDED, TariSettings: {WALLET: str(ADDRESS)}, ShopifySettings: LEAST}


@pytest.mark.parametrize("settings", PLUGINS)
@given(st.data())
def test_no_text_raises_anything_but_mistakes(settings: type[PluginSettings], data: st.DataObject) -> None:
    name, value = data.draw(st.sampled_from(sorted(PLUGINS[settings].variables))), data.draw(st.text(max_size=80))
    try:
        settings.load(NEEDS[settings] | {name: value})
    except ExceptionGroup as group:
        assert all(type(error) is ConfigurationError for error in group.exceptions)  # noqa: PT017 # both outcomes are right


@pytest.mark.parametrize("settings", PLUGINS)
def test_the_plugin_names_exactly_these_variables(settings: type[PluginSettings]) -> None:
    plugin = PLUGINS[settings]
    assert plugin.variables == frozenset(name.upper() for name in settings.model_fields)
    assert plugin.secrets <= plugin.variables


def test_a_plugin_that_leaves_the_reading_to_pydantic_has_its_mistakes_named_too() -> None:
    class Plain(PluginSettings):
        account: str
        attempts: int

    missing, wrong = mistakes_in(Plain, {"ATTEMPTS": "geheim"})
    assert missing == "ACCOUNT: is not set"
    assert wrong.startswith("ATTEMPTS: Input should be a valid integer")
    assert "geheim" not in wrong
