"""Who acts over the API, and why."""

from harvester.api.bodies import Body
from harvester.domain.acts import By, actor, reason_text


class ActBody(Body):
    """A body that says who does something, and why."""

    reason: str | None = None
    actor: str | None = None

    def by(self, channel: str) -> By:
        """Return it as the services take it.

        Raises:
            InvalidInput: the reason or the actor is not allowed.
        """
        return By(actor(channel, self.actor), None if self.reason is None else reason_text(self.reason))


class ReasonedActBody(ActBody):
    """The same where a reason must be given."""

    reason: str
