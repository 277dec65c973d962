"""Time as a person at a terminal meets it. Law: the command line's only reader of time; waiting is by `until` alone."""

import time
from collections.abc import Iterator

from sidecar.spans import ago, parse, span, took

FIRST_PAUSE = 0.02
LONGEST_PAUSE = 1.0

__all__ = ["ago", "elapsed", "now", "of_day", "parse", "span", "took", "until"]


def now() -> int:
    """ms since the epoch."""
    return time.time_ns() // 1_000_000


def elapsed() -> float:
    """Seconds from an arbitrary start, for spans."""
    return time.monotonic()


def of_day(moment: int) -> str:
    """`14:03:59`, by the clock on the wall, of ms since the epoch."""
    return time.strftime("%H:%M:%S", time.localtime(moment / 1000))


def until(span: int) -> Iterator[None]:
    """Yields at once, then after growing pauses, the last time when `span` ms are over."""
    end = time.monotonic() + span / 1000
    pause = FIRST_PAUSE
    yield
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE)
        yield
