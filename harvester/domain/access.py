"""Who may do what over the private API.

| scope   | what it lets a token do                                                              |
|---------|--------------------------------------------------------------------------------------|
| read    | GET: invoices, payments, events, endpoints, deliveries, rates; changes nothing       |
| write   | create and cancel invoices                                                           |
| operate | all else that changes something: endpoints, deliveries, acts on payments, rates; and |
|         | all about tokens, listing them included                                              |

No scope implies another. Each route names the one it needs where it is registered: `guard(Scope.WRITE, handler)`.
"""

from enum import StrEnum


class Scope(StrEnum):
    """What a token may be good for."""

    READ = "read"
    WRITE = "write"
    OPERATE = "operate"
