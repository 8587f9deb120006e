"""The upper part of the page: who asks, how much, and where it stands."""

from typing import Final

from harvester.api.page.checkout import PAYABLE, Checkout, Stage
from harvester.api.page.fields import local_time
from harvester.api.page.html import Html, element, join
from harvester.api.page.icons import OF_STAGE
from harvester.api.page.merchant import Merchant
from harvester.api.page.texts import Texts
from harvester.domain.rates import plain

_CLOCK_SECS: Final = 48 * 3600
"""What is further away is told as a date."""
_LONG: Final = 8
_VERY_LONG: Final = 13


def summary(checkout: Checkout, merchant: Merchant, texts: Texts) -> Html:
    """Return the summary of an invoice."""
    return element(
        "section",
        _merchant(merchant),
        _headline(checkout, texts),
        _price(checkout),
        _state(checkout, texts),
        _progress(checkout, texts),
        _goods(checkout, merchant, texts),
        class_="summary",
    )


def _merchant(merchant: Merchant) -> Html | None:
    if not merchant.name:
        return None
    picture = element("img", src=str(merchant.logo), alt="", referrerpolicy="no-referrer") if merchant.logo else None
    logo = element("span", merchant.name[:1].upper(), picture, class_="logo", aria_hidden="true")
    return element("header", logo, element("bdi", merchant.name), class_="merchant")


def _headline(checkout: Checkout, texts: Texts) -> Html:
    figure = checkout.figure(checkout.headline)
    size = "very-long" if len(figure) > _VERY_LONG else "long" if len(figure) > _LONG else None
    return element(
        "h1",
        element("span", texts.stages[checkout.stage].headline, " ", class_="label"),
        element("span", figure, class_=f"figure {size}" if size else "figure"),
        " ",
        element("bdi", checkout.invoice.ticker, class_="ticker"),
        id="headline",
        tabindex=-1,
    )


def _price(checkout: Checkout) -> Html | None:
    """What the amount was worked out from, as long as it is the amount that is shown."""
    price = checkout.invoice.price
    if price is None or checkout.stage is Stage.PARTIAL:
        return None
    return element("p", f"{plain(price.amount)}\N{NO-BREAK SPACE}{price.currency}", class_="price")


def _state(checkout: Checkout, texts: Texts) -> Html:
    icon = OF_STAGE.get(checkout.stage) or element("span", class_="pulse")
    return element(
        "p", icon, element("span", texts.stages[checkout.stage].state), _deadline(checkout, texts), class_="state"
    )


def _deadline(checkout: Checkout, texts: Texts) -> Html | None:
    if checkout.stage not in PAYABLE:
        return None
    if checkout.remaining_secs > _CLOCK_SECS:
        return element("span", f"{texts.pay_until} ", local_time(checkout.invoice.expires_at), class_="left")
    minutes, seconds = divmod(checkout.remaining_secs, 60)
    left = f"{minutes // 60}:{minutes % 60:02}:{seconds:02}" if minutes >= 60 else f"{minutes}:{seconds:02}"
    timer = element("span", left, id="timer", role="timer")
    return element("span", element("span", f"{texts.time_left} ", class_="unseen"), timer, class_="left")


def _progress(checkout: Checkout, texts: Texts) -> Html | None:
    invoice = checkout.invoice
    if checkout.stage not in {Stage.PARTIAL, Stage.CLOSING} or not invoice.received:
        return None
    said = texts.received_of.format(received=checkout.money(invoice.received), total=checkout.money(invoice.amount))
    share = min(100, invoice.received * 100 // max(1, invoice.amount))
    bar = element("progress", f"{share} %", max=100, value=share, aria_labelledby="received")
    return element("div", bar, element("p", said, id="received"), class_="received")


def _goods(checkout: Checkout, merchant: Merchant, texts: Texts) -> Html | None:
    """Only until something is paid: from then the invoice's id stands on the chain, and everybody can open the page."""
    if checkout.stage is not Stage.WAITING or not merchant.goods:
        return None
    names = [element("li", element("bdi", name)) for name in merchant.goods]
    more = element("li", texts.more_goods.format(count=merchant.more_goods)) if merchant.more_goods else None
    return join(element("h2", texts.goods, class_="unseen"), element("ul", *names, more, class_="goods"))
