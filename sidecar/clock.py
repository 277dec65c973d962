"""The one reader of time.

Law: no other file asks what time it is. `now` never goes back: not when the wall clock is set back, not over a suspend,
and not over a restart, given the latest time that was written.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from functools import partial

from sidecar.model import FAR

_MS = 1_000_000
_US = 1_000
_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

LONGEST_SLEEP = 60_000
"""ms after which a waiter looks at the clock again: a timer of the event loop knows nothing of a wall clock that was
set."""

_steady = partial(time.clock_gettime_ns, _BOOT)


class SystemClock:
    """The system's time, as `ports.Clock`; safe to read from any thread.

    Args:
        floor: ms; `now` starts at least there.
        wall, steady, ticks: ns since the epoch; ns that never go back, counting a suspend where the system can; ns for
            spans.
        longest_sleep: ms.
    """

    def __init__(
        self,
        floor: int = 0,
        *,
        wall: Callable[[], int] = time.time_ns,
        steady: Callable[[], int] = _steady,
        ticks: Callable[[], int] = time.monotonic_ns,
        longest_sleep: int = LONGEST_SLEEP,
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._ticks = ticks
        self._longest_sleep = longest_sleep
        self._moving = threading.Lock()
        self._base = wall() - steady()
        self.raise_floor(floor)

    def now(self) -> int:
        # The wall clock is read first, so that an interruption between the two cannot look like a jump forward.
        wall = self._wall()
        steady = self._steady()
        if wall - steady > self._base:
            self._move(wall - steady)
        return (self._base + steady) // _MS

    def wall(self) -> int:
        return self._wall() // _MS

    def elapsed(self) -> int:
        return self._ticks() // _US

    def raise_floor(self, floor: int) -> None:
        """From here on, `now` is at least `floor`, in ms."""
        self._move(floor * _MS - self._steady())

    async def wait(self, event: asyncio.Event, until: int) -> None:
        if until >= FAR:
            await event.wait()
            return
        while not event.is_set() and (left := until - self.now()) > 0:
            try:
                async with asyncio.timeout(min(left, self._longest_sleep) / 1000):
                    await event.wait()
            except TimeoutError:
                continue

    def _move(self, base: int) -> None:
        with self._moving:
            self._base = max(self._base, base)
