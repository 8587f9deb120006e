"""The lower part of the page while there is something to pay: buttons, code, and what to type by hand."""

from typing import Final

import orjson

from harvester.api.page.checkout import Checkout
from harvester.api.page.fields import field, fields
from harvester.api.page.html import Html, element
from harvester.api.page.icons import WALLET
from harvester.api.page.site import Site
from harvester.api.page.texts import Texts

_ANY_WALLET: Final = "universal"
"""Name of the link that is no particular wallet's."""


def paying(checkout: Checkout, qr: Html | None, texts: Texts, site: Site) -> Html:
    """Return the ways to pay what is due. `qr` is the code of the first link."""
    return element(
        "section",
        element("h2", texts.pay, class_="unseen"),
        _code(qr, texts),
        _buttons(checkout, texts, site),
        _by_hand(checkout, texts),
        element("p", texts.straight, class_="note"),
        class_="paying",
    )


def connect_dialog(texts: Texts, site: Site) -> Html | None:
    """Return the dialog in which a wallet is chosen, empty: its script comes when it is asked for."""
    if site.connect is None:
        return None
    return element(
        "dialog",
        element("h2", texts.connect_title, id="connect-title"),
        element("ul", id="wallets"),
        element("p", id="connect-state", role="status"),
        element("form", element("button", texts.close, class_="button"), method="dialog"),
        id="connect-dialog",
        aria_labelledby="connect-title",
        data_script=site.connect_script.url,
        data_sdk=site.connect.sdk.url,
        data_wallets=site.connect.wallets.url,
        data_loading=texts.connect_loading,
        data_open=texts.connect_open,
        data_confirm=texts.connect_confirm,
        data_sent=texts.connect_sent,
        data_failed=texts.connect_failed,
        data_go=texts.connect_go,
    )


def _code(qr: Html | None, texts: Texts) -> Html | None:
    if qr is None:
        return None
    picture = element("div", qr, role="img", aria_label=texts.qr, class_="code")
    return element("figure", picture, element("figcaption", texts.scan))


def _buttons(checkout: Checkout, texts: Texts, site: Site) -> Html | None:
    links = checkout.request.links
    if not links:
        return None if checkout.request.by_hand else element("p", texts.no_links)
    buttons = [_link(name, url, texts, first=not index) for index, (name, url) in enumerate(links.items())]
    connect = _connect(checkout, texts) if site.connect and checkout.connect else None
    return element("div", *buttons, connect, class_="buttons")


def _link(name: str, url: str, texts: Texts, *, first: bool) -> Html:
    said = texts.open_wallet if name == _ANY_WALLET else texts.open_in.format(wallet=name[:1].upper() + name[1:])
    looks = "button first" if first else "button"
    return element("a", WALLET if first else None, said, href=url, id=f"link-{name}", class_=looks)


def _connect(checkout: Checkout, texts: Texts) -> Html:
    transaction = orjson.dumps(checkout.connect).decode()
    return element(
        "button",
        texts.connect,
        type="button",
        id="connect",
        class_="button",
        data_transaction=transaction,
        data_valid_until=int(checkout.invoice.expires_at.timestamp()),
        hidden=True,
    )


def _by_hand(checkout: Checkout, texts: Texts) -> Html | None:
    """Only if the adapter says how: money that came without its reference would be nobody's."""
    by_hand = checkout.request.by_hand
    if by_hand is None:
        return None
    amount = checkout.exact(checkout.headline)
    listed = fields(
        field("amount", texts.amount, amount, texts, unit=checkout.invoice.ticker),
        field("address", texts.address, by_hand.address, texts),
        field("comment", texts.comment, by_hand.comment, texts) if by_hand.comment else None,
    )
    help_ = element("p", texts.by_hand_help if by_hand.comment else texts.by_hand_no_comment)
    return element("details", element("summary", texts.by_hand, id="by-hand-summary"), help_, listed, id="by-hand")
