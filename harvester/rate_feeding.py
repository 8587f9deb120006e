"""The feed of rates, as the settings say."""

from harvester.config.configuration import Configuration
from harvester.config.settings import DaemonSettings
from harvester.metrics import Metrics
from harvester.services.rate_feed import ChosenSource, RateFeed
from harvester.services.rates import Rates


def rate_feed(configuration: Configuration[DaemonSettings], rates: Rates, metrics: Metrics) -> RateFeed:
    """Return the feed of all assets in RATE_CURRENCIES, from the source that RATE_SOURCE names, if it names one."""
    settings, chosen = configuration.settings, None
    if configuration.rate_source and settings.rate_source:
        chosen = ChosenSource(
            settings.rate_source, configuration.rate_source, settings.rate_interval_secs, settings.rate_max_jump
        )
    return RateFeed(rates, rates.pairs(settings.rate_currencies), chosen, metrics)
