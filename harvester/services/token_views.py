"""How tokens look in JSON, over the API and on the command line."""

from datetime import datetime

from harvester.domain.access import Scope, Token
from harvester.domain.events import unix_seconds


def token_view(token: Token, text: str | None = None) -> dict[str, object]:
    """Return a token, with its text if it is shown this once. Times are Unix seconds; what is not so is absent."""
    view: dict[str, object] = {
        "id": token.id,
        "name": token.name,
        "scopes": [scope.value for scope in Scope if scope in token.scopes],
        "created_at": unix_seconds(token.created_at),
    }
    moments: dict[str, datetime | None] = {
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
        "old_secret_until": token.old_until,
    }
    view |= {name: unix_seconds(moment) for name, moment in moments.items() if moment}
    return view if text is None else view | {"token": text}
