"""QR codes as SVG."""

from functools import lru_cache

import segno

from harvester.api.page.html import Html

_QUIET_MODULES = 4
_CACHED = 512


@lru_cache(maxsize=_CACHED)
def qr_svg(text: str) -> Html | None:
    """Return `text` as a black code with its quiet zone, of no size of its own; None: it is too long for one.

    Takes some 20 ms the first time, so not for the event loop. Least redundancy: on a screen nothing gets scratched,
    and larger modules are easier to see.
    """
    try:
        code = segno.make(text, micro=False, error="l")
    except segno.DataOverflowError:
        return None
    return Html(code.svg_inline(border=_QUIET_MODULES, omitsize=True, svgclass=None, lineclass=None))
