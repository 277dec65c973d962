"""How long this machine takes: for a commit, for a turn of the event loop. Law: measuring costs next to nothing."""

import asyncio
from collections.abc import Callable

from sidecar.meters import Histogram
from sidecar.ports import Clock

BEAT = 500
"""ms between two looks at how late the event loop is."""


async def measure_lag(clock: Clock, lags: Histogram) -> None:
    """How much later than asked for the loop comes back, without end."""
    while True:
        at = clock.elapsed()
        await clock.wait(asyncio.Event(), clock.now() + BEAT)
        lags.observe(max(0, clock.elapsed() - at - BEAT * 1000))


def stopwatch(clock: Clock, spans: Histogram) -> Callable[[Callable[[], object]], object]:
    """What runs something and notes how long it took."""

    def timed(run: Callable[[], object]) -> object:
        start = clock.elapsed()
        done = run()
        spans.observe(clock.elapsed() - start)
        return done

    return timed
