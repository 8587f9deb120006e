"""The host's clock. Only the composition root uses it; rules are given the moment."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the present moment, aware UTC."""
    return datetime.now(UTC)
