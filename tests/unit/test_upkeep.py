"""What is tidied up by the minute: each in steps, none for ever, and nothing is given up because a database is away."""

import asyncio
from collections.abc import Awaitable, Callable

from harvester.chain import UNHEARD
from harvester.domain.errors import Unavailable
from harvester.upkeep import _STEPS, Upkeep


class Uses:
    """Stands for the tokens, whose uses are written."""

    def __init__(self) -> None:
        self.written = 0

    async def write_uses(self) -> None:
        """See `Authentication`."""
        self.written += 1


def forgetting(*more: bool | Unavailable) -> tuple[list[object], Callable[[], Awaitable[bool]]]:
    """Something to forget: whether there is more of it after each step."""
    steps: list[object] = []

    async def forget() -> bool:
        steps.append(len(steps))
        step = more[min(len(steps), len(more)) - 1]
        if isinstance(step, Unavailable):
            raise step
        return step

    return steps, forget


async def run_once(*forget: Callable[[], Awaitable[bool]]) -> Uses:
    """Tidy up as at the end."""
    uses, stop = Uses(), asyncio.Event()
    stop.set()
    await Upkeep(uses, *forget).run(stop, UNHEARD)  # type: ignore[arg-type] # all that it asks of them
    return uses


async def test_each_is_forgotten_until_there_is_no_more() -> None:
    first, forget_first = forgetting(True, True, False)
    second, forget_second = forgetting(False)
    uses = await run_once(forget_first, forget_second)
    assert (len(first), len(second), uses.written) == (3, 1, 1)


async def test_what_never_ends_leaves_time_for_the_others() -> None:
    endless, forget_endless = forgetting(True)
    after, forget_after = forgetting(False)
    await run_once(forget_endless, forget_after)
    assert (len(endless), len(after)) == (_STEPS, 1)


async def test_a_database_that_is_away_is_waited_for() -> None:
    away, forget = forgetting(Unavailable("away"))
    await run_once(forget)
    assert len(away) == 1
