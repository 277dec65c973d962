"""A rate, kept smoothly: attempts start one interval apart, not in bursts.

Law: pure; the generic cell rate algorithm (ITU-T I.371) with a tolerance of one tick of the timer.
"""

from msgspec import Struct

TICK = 10.0
"""ms that a timer may be late: so much may be caught up at once, so that high rates are reached at all."""


class Pace(Struct, frozen=True):
    """`rate` attempts a second, 0 = unbounded; `next_at`: when the next one is due, ms."""

    rate: float
    next_at: float = 0.0


def allowance(pace: Pace, now: int, wanted: int) -> int:
    """How many of `wanted` may start at `now`."""
    if not pace.rate:
        return wanted
    behind = now - _next_at(pace, now)
    return min(wanted, int(behind * pace.rate / 1000) + 1) if behind >= 0 else 0


def started(pace: Pace, now: int, count: int) -> Pace:
    """The pace once `count` have started at `now`."""
    if not pace.rate or not count:
        return pace
    return Pace(pace.rate, _next_at(pace, now) + count * 1000 / pace.rate)


def _next_at(pace: Pace, now: int) -> float:
    """Idle time is not saved up, but for a tick."""
    return pace.next_at if pace.next_at >= now - TICK else now
