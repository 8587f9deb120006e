"""Where the routes of invoices, and of all that is about them, are."""

from typing import Final

PRIVATE: Final = "/tonpay/private/api/v1"
PUBLIC: Final = "/tonpay/public/api/v1"
INVOICE_ID: Final = "{id:[^/]+}"
"""aiohttp's own pattern shuts out braces, which an id may have."""
