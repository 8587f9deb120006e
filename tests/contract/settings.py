"""What is said of the settings of a plug-in."""

from collections.abc import Mapping

import pytest

from harvester.chain.settings import PluginSettings
from harvester.domain.errors import ConfigurationError


def mistakes_in(settings: type[PluginSettings], environ: Mapping[str, str]) -> list[str]:
    """Return what is said of settings with mistakes."""
    with pytest.raises(ExceptionGroup) as caught:
        settings.load(environ)
    assert all(type(error) is ConfigurationError for error in caught.value.exceptions)
    return [str(error) for error in caught.value.exceptions]
