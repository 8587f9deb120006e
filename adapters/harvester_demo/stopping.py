"""How a demo ends: by itself, or by a signal, upon which it tidies up."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

import click


async def unless_signalled(run: Coroutine[Any, Any, None]) -> bool:
    """Await `run`, cancel it at the first signal and no further one, so that it can tidy up; say if it finished."""
    task = asyncio.ensure_future(run)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, _cancel_once, task)
    await asyncio.wait({task})
    if task.cancelled():
        return False
    task.result()
    return True


def _cancel_once(task: asyncio.Task[None]) -> None:
    if not task.cancelling():
        click.echo("\nstopping", err=True)
        task.cancel()
