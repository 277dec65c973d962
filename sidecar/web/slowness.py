"""Wrong tokens and secrets are answered late, later with each from the same address.

Law: what it remembers and whom it keeps waiting has a bound, and who is right never comes here.
"""

import asyncio
import ipaddress
from collections.abc import Callable

from sidecar.errors import TooManyTries
from sidecar.ports import Clock

FIRST_WAIT = 250
LAST_WAIT = 5_000
"""ms that the first wrong token of an address waits for its answer, doubling up to this."""

FORGOTTEN = 600_000
"""ms after its last wrong token an address begins anew."""

ADDRESSES = 1024
WAITING = 64
"""Addresses that are remembered, and answers that are kept waiting, at once."""


class Slowness:
    """How long each address waits.

    Args:
        tell: hears of an address and of how often it was wrong, at 1, 2, 4, 8 … times, so that who tries does not fill
            the log.
    """

    def __init__(self, clock: Clock, tell: Callable[[str, int], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._tries: dict[str, tuple[int, int]] = {}
        self._waiting = 0

    async def wrong(self, address: str) -> None:
        """Return when the answer may go out. Raises `TooManyTries` where too many wait already."""
        count = self._count(place(address))
        if count & (count - 1) == 0:
            self._tell(address, count)
        if self._waiting >= WAITING:
            raise TooManyTries("too many wrong tries at once", retry_after=LAST_WAIT // 1000)
        self._waiting += 1
        try:
            wait = min(FIRST_WAIT << min(count - 1, 10), LAST_WAIT)
            await self._clock.wait(asyncio.Event(), self._clock.now() + wait)
        finally:
            self._waiting -= 1

    def _count(self, where: str) -> int:
        """Wrong tokens in a row from there, with this one. The address that tried longest ago makes room."""
        now = self._clock.now()
        count, last = self._tries.pop(where, (0, 0))
        count = count + 1 if now - last < FORGOTTEN else 1
        if len(self._tries) >= ADDRESSES:
            del self._tries[next(iter(self._tries))]
        self._tries[where] = (count, now)
        return count


def place(address: str) -> str:
    """The address; of IPv6 its /64, of which one machine has all."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))
