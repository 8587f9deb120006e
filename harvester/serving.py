"""What the API serves: for anybody, and for the merchant."""

from collections.abc import Sequence

from harvester.api.accounts import AccountRoutes
from harvester.api.app import PrivateRoutes, PublicRoutes
from harvester.api.endpoints import EndpointRoutes
from harvester.api.events import EventRoutes
from harvester.api.exports import ExportRoutes
from harvester.api.invoices import InvoiceRoutes, PublicInvoiceRoutes
from harvester.api.orders import OrderRoutes
from harvester.api.page.routes import PageRoutes
from harvester.api.page.site import Site
from harvester.api.page.stream import InvoiceStreamRoutes
from harvester.api.payments import PaymentRoutes
from harvester.api.printed_receipts import PrintedReceiptRoutes
from harvester.api.public import ManifestRoutes
from harvester.api.rates import RateRoutes
from harvester.api.sealed_metadata import SealedMetadataRoutes
from harvester.api.tokens import TokenRoutes
from harvester.parts import Parts
from harvester.services.exports import Exports
from harvester.services.outbox import Outbox
from harvester.services.printed_receipts import PrintedReceipts
from harvester.services.tokens import Tokens
from harvester.services.wallets import Wallets


def public_routes(parts: Parts) -> Sequence[PublicRoutes]:
    """Return what anybody may ask for: of the API, and of a TON site."""
    settings = parts.settings
    site = Site(settings.page_style, dict(settings.page_explorers), connectable=settings.domain is not None)
    return (
        PublicInvoiceRoutes(parts.invoicing, parts.chains),
        SealedMetadataRoutes(parts.sealed_metadata),
        ManifestRoutes(settings.domain),
        PageRoutes(parts.invoicing, parts.chains, parts.clock, site),
        InvoiceStreamRoutes(parts.news, parts.chains),
    )


def private_routes(parts: Parts) -> Sequence[PrivateRoutes]:
    """Return what needs a token."""
    database, chains, clock = parts.database, parts.chains, parts.clock
    return (
        InvoiceRoutes(parts.invoicing, chains),
        PaymentRoutes(parts.payments, chains),
        OrderRoutes(parts.accounts, parts.invoicing, chains),
        AccountRoutes(parts.accounts, Wallets(database, chains, clock), chains),
        EventRoutes(parts.feed),
        EndpointRoutes(parts.endpoints, Outbox(database, parts.signals, clock)),
        TokenRoutes(Tokens(database, clock)),
        RateRoutes(parts.rates),
        ExportRoutes(Exports(database, chains)),
        PrintedReceiptRoutes(PrintedReceipts(database)),
    )
