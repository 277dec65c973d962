"""The last hour of an endpoint as bars: a minute each, what failed on top of what was delivered. Law: pure."""

from collections.abc import Sequence

from msgspec import Struct

from sidecar.meters import Minute

HEIGHT = 40
STEP, WIDTH = 4, 3
"""Of the drawing: how high it is, how far apart bars are, how wide."""

LEAST = 1.5
"""Height of what is there, however little beside the rest."""


class Bar(Struct, frozen=True):
    """One minute: a part for what was delivered, from the ground, and one for what failed, above it."""

    x: int
    delivered_y: float
    delivered_height: float
    failed_y: float
    failed_height: float


class Chart(Struct, frozen=True):
    """Bars for an SVG of `width` by `height`, and what they come to. `most`: attempts in the busiest minute."""

    bars: tuple[Bar, ...]
    delivered: int
    failed: int
    most: int
    width: int
    height: int = HEIGHT


def chart(minutes: Sequence[Minute]) -> Chart:
    """Minutes in which nothing was tried have no bar."""
    most = max((one.delivered + one.failed for one in minutes), default=0)
    bars = [_bar(number, one, most) for number, one in enumerate(minutes) if one.delivered or one.failed]
    delivered, failed = (sum(getattr(one, kind) for one in minutes) for kind in ("delivered", "failed"))
    return Chart(tuple(bars), delivered, failed, most, max(1, len(minutes) * STEP - (STEP - WIDTH)))


def _bar(number: int, minute: Minute, most: int) -> Bar:
    """What is little is seen all the same: it takes its room from what is much."""
    failed = _height(minute.failed, most)
    delivered = min(_height(minute.delivered, most), HEIGHT - failed)
    ground = round(HEIGHT - delivered, 1)
    return Bar(number * STEP, ground, delivered, round(ground - failed, 1), failed)


def _height(count: int, most: int) -> float:
    return max(LEAST, round(HEIGHT * count / most, 1)) if count else 0.0
