"""The headers that keep the page to itself."""

from collections.abc import Iterable

from yarl import URL


def page_headers(language: str, logo: URL | None = None, bridges: Iterable[str] = ()) -> dict[str, str]:
    """Return the headers of a page that may load one picture from elsewhere, and connect to the origins `bridges`."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": " ".join(["'self'", *([_source(logo)] if logo else [])]),
        "connect-src": " ".join(["'self'", *bridges]),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Content-Type": "text/html; charset=utf-8",
        "Content-Language": language,
        "Cache-Control": "no-store",
        "Vary": "Accept-Language",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow",
    }


def _source(address: URL) -> str:
    """Return `address` as a policy names it: without its query, which policies do not look at."""
    port = f":{address.explicit_port}" if address.explicit_port else ""
    return f"{address.scheme}://{address.raw_host}{port}{address.raw_path}"
