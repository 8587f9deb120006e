"""The pages as whole documents. What changes with an invoice is one element, which the script replaces."""

from typing import Final

from harvester.api.page.checkout import FINAL, PAYABLE, Checkout
from harvester.api.page.html import Html, element, join
from harvester.api.page.merchant import Merchant
from harvester.api.page.outcome import outcome
from harvester.api.page.paying import connect_dialog, paying
from harvester.api.page.site import Site
from harvester.api.page.summary import summary
from harvester.api.page.texts import Texts

_REFRESH_SECS: Final = 15
_TRY_AGAIN_SECS: Final = 10
_DOCTYPE: Final = Html("<!doctype html>")


def invoice_page(checkout: Checkout, merchant: Merchant, qr: Html | None, texts: Texts, site: Site, state: str) -> str:
    """Return the page of an invoice. `qr` is the code of its first link, `state` the path of the public invoice."""
    body = join(
        element(
            "main",
            _invoice(checkout, merchant, qr, texts, site),
            data_state=state,
            data_copied=texts.copied,
            data_soon=texts.one_minute_left,
        ),
        element("p", texts.stages[checkout.stage].state, id="announcement", role="status", class_="unseen"),
        connect_dialog(texts, site) if checkout.connect else None,
    )
    live = element("script", type="module", src=site.script.url)
    refresh = None if checkout.stage in FINAL else element("noscript", _refresh(_REFRESH_SECS))
    return _document(_title(checkout, merchant, texts), texts, site, body, live, refresh)


def unknown_page(texts: Texts, site: Site) -> str:
    """Return what is shown of an invoice that does not exist."""
    return _document(texts.unknown_title, texts, site, _message(texts.unknown_title, texts.unknown_help))


def unavailable_page(texts: Texts, site: Site) -> str:
    """Return what is shown while nothing can be known; it tries again by itself."""
    message = _message(texts.unavailable_title, texts.unavailable_help)
    return _document(texts.unavailable_title, texts, site, message, _refresh(_TRY_AGAIN_SECS))


def _invoice(checkout: Checkout, merchant: Merchant, qr: Html | None, texts: Texts, site: Site) -> Html:
    payable = checkout.stage in PAYABLE
    return element(
        "div",
        summary(checkout, merchant, texts),
        paying(checkout, qr, texts, site) if payable else outcome(checkout, merchant, texts, site),
        id="invoice",
        class_=f"card {checkout.stage}" if payable else f"card closed {checkout.stage}",
        data_version=checkout.version,
        data_final=checkout.stage in FINAL,
        data_remaining=checkout.remaining_secs if payable else None,
    )


def _message(title: str, help_: str) -> Html:
    return element("main", element("div", element("h1", title), element("p", help_), class_="card message"))


def _document(title: str, texts: Texts, site: Site, body: Html, *more_head: Html | None) -> str:
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("title", title),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("link", rel="stylesheet", href=site.css.url),
        element("link", rel="stylesheet", href=site.style.url) if site.style.body else None,
        element("link", rel="icon", href=site.icon),
        *more_head,
    )
    return _DOCTYPE + element("html", head, element("body", body), lang=texts.language, dir=texts.direction)


def _refresh(secs: int) -> Html:
    return element("meta", http_equiv="refresh", content=str(secs))


def _title(checkout: Checkout, merchant: Merchant, texts: Texts) -> str:
    title = texts.stages[checkout.stage].title.format(amount=checkout.money(checkout.headline))
    return texts.to.format(title=title, merchant=merchant.name) if merchant.name else title
