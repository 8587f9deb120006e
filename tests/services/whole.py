"""What runs against a model have in common: steps that are done and modelled, one after the other or at once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import permutations
from typing import Generic, Protocol, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from harvester.domain.acts import By
from harvester.domain.errors import ActRefused, NotFound, TransitionRefused
from harvester.storage.database import Database

ME = By("test:hypothesis", "because")


class Model(Protocol):
    """What there should be."""

    def state(self) -> object:
        """Return what the database is compared with."""


AnyModel = TypeVar("AnyModel", bound=Model)


@dataclass(frozen=True)
class Step(Generic[AnyModel]):
    """Something that is done, and what the model says of it."""

    real: Callable[[], Awaitable[object]]
    modelled: Callable[[AnyModel], bool]

    async def attempt(self) -> bool:
        """Do it; say whether it was allowed."""
        try:
            await self.real()
        except (ActRefused, NotFound, TransitionRefused):
            return False
        return True


async def at_once(steps: Sequence[Step[AnyModel]]) -> list[bool]:
    """Attempt all; say which were allowed."""
    return await asyncio.gather(*(step.attempt() for step in steps))


def in_some_order(
    model: AnyModel,
    steps: Sequence[Step[AnyModel]],
    done: list[bool],
    found: object,
    last: Sequence[Step[AnyModel]] = (),
) -> AnyModel:
    """Return the model after `steps` in that order, with `last` behind them, which leads to what was done and found."""
    for order in permutations(range(len(steps))):
        after = deepcopy(model)
        outcomes = {place: steps[place].modelled(after) for place in order}
        for step in last:
            step.modelled(after)
        if [outcomes[place] for place in range(len(steps))] == done and after.state() == found:
            return after
    raise AssertionError(f"no order leads from {model} to {done} and {found}")


def run_on_database(machine: type[RuleBasedStateMachine], database_uri: str, max_examples: int, steps: int) -> None:
    """Run `machine`, which is given the `database` and a `runner` of what is asynchronous."""
    with asyncio.Runner() as runner:
        context = Database.open(database_uri)
        database = runner.run(context.__aenter__())
        try:
            run_state_machine_as_test(
                type("WholeOnDatabase", (machine,), {"database": database, "runner": runner}),
                settings=settings(
                    max_examples=max_examples,
                    stateful_step_count=steps,
                    suppress_health_check=list(HealthCheck),
                    deadline=None,
                ),
            )
        finally:
            runner.run(context.__aexit__(None, None, None))
