"""Server-sent events (WHATWG HTML, section 9.2): that something has changed, and nothing of what.

Law: a page asks again for what it shows; so no stream can tell what its reader may not read, and none holds anything.
Streams have a bound.
"""

import asyncio

from aiohttp import hdrs, web

from sidecar.errors import Unavailable
from sidecar.meters import Meters
from sidecar.ports import Clock

BEAT = 1_000
"""ms between two looks: a page is never asked for more often."""

TICK = 15
"""Looks after which something is told anyway: times on the page grow old, and a reader that has gone is noticed."""

STREAMS = 32


class Live:
    """All that listen."""

    def __init__(self, clock: Clock, meters: Meters) -> None:
        self._clock = clock
        self._meters = meters
        self._streams = 0

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Tell this one, until it goes."""
        if self._streams >= STREAMS:
            raise Unavailable("too many pages are open; load this one again by hand", retry_after=60)
        self._streams += 1
        try:
            headers = {hdrs.CONTENT_TYPE: "text/event-stream", "X-Accel-Buffering": "no"}
            response = web.StreamResponse(headers=headers)
            await response.prepare(request)
            await self._tell(response)
        except ConnectionError:
            pass  # it has gone
        finally:
            self._streams -= 1
        return response

    async def _tell(self, response: web.StreamResponse) -> None:
        seen, quiet = -1, 0  # what changed while the page was on its way is told at once
        while True:
            quiet += 1
            if self._meters.changes != seen or quiet >= TICK:
                seen, quiet = self._meters.changes, 0
                await response.write(b"data: %d\n\n" % seen)
            await self._clock.wait(asyncio.Event(), self._clock.now() + BEAT)
