"""Time that moves only where a test says so. Law: the one stand-in for `sidecar.ports.Clock`."""

import asyncio
from contextlib import suppress

NOON = 1_800_000_000_000
"""2027-01-15T08:00:00Z."""


class FakeClock:
    """A clock that stands still until it is advanced. `skew` is how far the system's wall clock is off, in ms."""

    def __init__(self, now: int = NOON) -> None:
        self._now = now
        self._start = now
        self._waits: dict[asyncio.Future[None], tuple[int, asyncio.Event]] = {}
        self._asked = asyncio.Condition()
        self.skew = 0

    def now(self) -> int:
        return self._now

    def wall(self) -> int:
        return self._now + self.skew

    def elapsed(self) -> int:
        return (self._now - self._start) * 1000

    async def wait(self, event: asyncio.Event, until: int) -> None:
        if event.is_set() or self._now >= until:
            return
        reached = asyncio.get_running_loop().create_future()
        self._waits[reached] = until, event
        told = asyncio.ensure_future(event.wait())
        try:
            await self._tell()
            await asyncio.wait([reached, told], return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._waits[reached]
            told.cancel()
            with suppress(asyncio.CancelledError):
                await told

    def advance(self, span: int) -> None:
        """Let `span` ms pass; whoever waited for a time in it goes on."""
        self._now += span
        for reached, (until, _) in self._waits.items():
            if until <= self._now and not reached.done():
                reached.set_result(None)

    @property
    def waits(self) -> list[int]:
        """The times that are being waited for, earliest first. Who has been woken waits no longer, though its turn may
        not have come."""
        waiting = [(reached, until) for reached, (until, event) in self._waits.items() if not event.is_set()]
        return sorted(until for reached, until in waiting if not reached.done())

    async def waiting(self, until: int) -> None:
        """Return once somebody waits for exactly this time."""
        async with self._asked:
            await self._asked.wait_for(lambda: until in self.waits)

    async def _tell(self) -> None:
        async with self._asked:
            self._asked.notify_all()
