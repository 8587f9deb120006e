"""The lower part of the page when there is nothing (more) to pay: what became of it, and what to do."""

from harvester.api.page.checkout import Checkout, Stage
from harvester.api.page.fields import field, fields, local_time
from harvester.api.page.html import Html, element, join
from harvester.api.page.merchant import Merchant
from harvester.api.page.site import Site
from harvester.api.page.texts import Texts


def outcome(checkout: Checkout, merchant: Merchant, texts: Texts, site: Site) -> Html:
    """Return what a buyer must know of an invoice that takes no money."""
    return element(
        "section",
        element("p", texts.stages[checkout.stage].help),
        _too_much(checkout, texts),
        _transaction(checkout, texts, site),
        _way_back(merchant, texts),
        class_="outcome",
    )


def _too_much(checkout: Checkout, texts: Texts) -> Html | None:
    """Money that does not belong to the merchant: beyond the amount, or for an invoice that came to nothing."""
    extra = checkout.invoice.overpayment
    if checkout.stage is Stage.CLOSING or not extra:
        return None
    sentence = texts.paid_more if checkout.stage is Stage.PAID else texts.money_arrived
    return element("p", sentence.format(amount=checkout.money(extra)), class_="warning")


def _transaction(checkout: Checkout, texts: Texts, site: Site) -> Html | None:
    invoice = checkout.invoice
    if invoice.tx_hash is None or invoice.paid_at is None:
        return None
    explorer = site.explorer(invoice.chain, invoice.tx_hash)
    listed = fields(
        element("div", element("dt", texts.paid_at), element("dd", local_time(invoice.paid_at)), class_="field"),
        field("transaction", texts.transaction, invoice.tx_hash, texts),
    )
    link = explorer and element("a", texts.see_transaction, href=explorer, rel="noopener noreferrer", target="_blank")
    return join(listed, link)


def _way_back(merchant: Merchant, texts: Texts) -> Html | None:
    if merchant.url is None:
        return None
    said = element("bdi", texts.back_to.format(merchant=merchant.name))
    return element("a", said, href=merchant.url, rel="noopener noreferrer", id="back", class_="button first")
