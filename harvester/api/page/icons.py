"""The few drawings of the page. They say nothing that words beside them do not."""

from typing import Final

from harvester.api.page.checkout import Stage
from harvester.api.page.html import Html


def _drawing(path: str) -> Html:
    return Html(f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="{path}"/></svg>')


COPY: Final = _drawing("M9 9h11v11H9zM5 15H4V4h11v1")
WALLET: Final = _drawing("M3 7.5A2.5 2.5 0 0 1 5.500 5H18v3M3 7.500V18a2 2 0 0 0 2 2h16V8H5.500M17 14h.01")
OF_STAGE: Final = {
    Stage.CLOSING: _drawing("M12 7v5l3 2M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z"),
    Stage.PAID: _drawing("M5 12.500l4.500 4.500L19 7.500"),
    Stage.EXPIRED: _drawing("M12 7v5l3 2M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z"),
    Stage.CANCELLED: _drawing("M7 7l10 10M17 7L7 17"),
}
