"""Work that goes on beside everything else. Law: it ends before what it works with is closed."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack


def beside(stack: AsyncExitStack, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
    """Start `work`; it is cancelled, and waited for, when the stack closes."""
    task = asyncio.get_running_loop().create_task(work)
    stack.push_async_callback(_end, task)
    return task


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
