"""Lists that are read from the newest to the oldest, page by page."""

from collections.abc import Sequence


def page_view(name: str, views: Sequence[object], numbers: Sequence[int], limit: int) -> dict[str, object]:
    """Return the JSON members of a page of at most `limit` things, whose numbers are in the order of `views`.

    A full one has `next`: what may follow is asked for as what is `before` that number.
    """
    return {name: views, **({"next": numbers[-1]} if len(numbers) == limit else {})}
