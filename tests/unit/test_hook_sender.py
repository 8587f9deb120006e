"""One attempt at a hook: whatever somebody else's code does, it is an answer, bounded and without secrets."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from harvester.chain.hooks import HookEvent, Later
from harvester.domain.webhooks import Message, Target
from harvester.log import MASK, SecretMask
from harvester.webhooks.client import Answer
from harvester.webhooks.hooks import HookSender
from tests.clock import ManualClock

TIMEOUT_SECS = 0.05
SECRET = "hunter2-hunter2"
Doing = Callable[[HookEvent], Awaitable[None]]


class Doer:
    """A hook that does as it is told."""

    event_types = ("invoice.paid",)

    def __init__(self, doing: Doing) -> None:
        self._doing = doing

    async def handle(self, event: HookEvent) -> None:
        await self._doing(event)


class Elsewhere:
    """Stands for the client of webhooks."""

    async def send(self, _target: Target, _message: Message) -> Answer:
        return Answer(ManualClock()(), 1, 204)


async def attempt(doing: Doing, event_type: str = "invoice.paid", url: str = "hook:mail") -> Answer:
    """Make one attempt at the hook `mail`."""
    clock = ManualClock()
    sender = HookSender(Elsewhere(), {"mail": Doer(doing)}, clock, TIMEOUT_SECS, SecretMask([SECRET]).text)
    return await sender.send(Target("hook.mail", url), Message(uuid4(), event_type, 3, b'{"id": "7"}'))


def raising(error: BaseException) -> Doing:
    """Return a handler that raises."""

    async def handle(_event: HookEvent) -> None:
        raise error

    return handle


async def nothing(_event: HookEvent) -> None:
    raise AssertionError("nobody asked for this")


async def test_a_hook_gets_the_event_as_an_endpoint_does() -> None:
    got: list[HookEvent] = []

    async def handle(event: HookEvent) -> None:
        got.append(event)

    answer = await attempt(handle)
    assert (answer.delivered, answer.error) == (True, None)
    (event,) = got
    assert (event.type, event.sequence, event.body) == ("invoice.paid", 3, {"id": "7"})


async def test_what_it_does_not_want_any_more_is_taken_without_it() -> None:
    assert (await attempt(nothing, "invoice.created")).delivered


async def test_what_is_for_somewhere_else_goes_there() -> None:
    assert (await attempt(nothing, url="https://example.org/hook")).status_code == 204


async def test_a_hook_that_this_process_does_not_have_is_a_failure_that_says_so() -> None:
    answer = await attempt(nothing, url="hook:other")
    assert (answer.delivered, answer.error) == (False, "this process does not have the hook (HOOKS)")


async def test_a_failure_is_said_with_its_type_and_logged_with_its_place() -> None:
    with capture_logs() as log:
        answer = await attempt(raising(ValueError("no such mailbox")))
    assert answer.error == "ValueError: no such mailbox"
    assert (answer.delivered, answer.timed_out, answer.retry_after_secs) == (False, False, None)
    assert [(line["log_level"], line["hook"]) for line in log] == [("warning", "mail")]
    assert isinstance(log[0]["exc_info"], ValueError)


async def test_a_hook_that_wants_to_end_the_program_ends_its_attempt() -> None:
    with capture_logs():
        assert (await attempt(raising(SystemExit("no settings")))).error == "SystemExit: no settings"


async def test_later_is_no_fault_and_says_when() -> None:
    with capture_logs() as log:
        answer = await attempt(raising(Later("the mail server is full", 90)))
    assert (answer.error, answer.retry_after_secs, log) == ("the mail server is full", 90, [])
    assert (await attempt(raising(Later("")))).error == "later"


@pytest.mark.parametrize(
    ("secs", "bounded"),
    [(None, None), (-5, 0), (1e9, 86400), (math.inf, 86400), (-math.inf, 0), (math.nan, None), ("soon", None)],
)
async def test_a_time_that_cannot_be_obeyed_is_bounded(secs: float | None, bounded: float | None) -> None:
    assert (await attempt(raising(Later("later", secs)))).retry_after_secs == bounded


@pytest.mark.parametrize("error", [Later(f"login {SECRET} refused"), ValueError(f"login {SECRET} refused")])
async def test_what_a_hook_says_holds_no_configured_secret(error: Exception) -> None:
    said = (await attempt(raising(error))).error
    assert said
    assert SECRET not in said
    assert said.endswith(f"login {MASK} refused")


async def test_what_a_hook_says_is_bounded_and_a_secret_at_the_cut_does_not_show_its_start() -> None:
    said = (await attempt(raising(Later("x" * 1020 + SECRET)))).error
    assert said
    assert len(said) == 1024
    assert "hunt" not in said


async def test_what_a_hook_says_can_be_stored() -> None:
    said = (await attempt(raising(ValueError("a\0b\ud800c")))).error
    assert said == "ValueError: ab?c"


async def test_an_error_that_cannot_even_be_said_is_one() -> None:
    class Unspeakable(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    with capture_logs():
        assert (await attempt(raising(Unspeakable()))).error == "Unspeakable"


async def test_a_hook_that_hangs_is_cancelled_at_its_time() -> None:
    cancelled = asyncio.Event()

    async def hang(_event: HookEvent) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    answer = await attempt(hang)
    assert cancelled.is_set()
    assert (answer.timed_out, answer.error, answer.result) == (True, "not done in time", "timeout")


async def test_a_cancellation_of_its_own_making_is_a_failure_and_a_real_one_goes_through() -> None:
    with capture_logs():
        assert (await attempt(raising(asyncio.CancelledError()))).error == "CancelledError"
    started = asyncio.Event()

    async def wait(_event: HookEvent) -> None:
        started.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        task = asyncio.create_task(attempt(wait))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
