"""An attempt's outcome becomes a verdict.

Law: pure; `now`, `wall` and `random` are arguments. What a status means stands in the tables below and nowhere else.
"""

from datetime import UTC
from email.utils import parsedate_to_datetime

from sidecar.model import Dead, Delivered, Outcome, Response, RetryAt, Sign, Unreachable, Verdict

GONE = 410
"""The receiver wants no more: its endpoint is paused (contract, section 6)."""

REFUSED = frozenset({400, 413, 415, 422})
"""This body is refused: dead at once."""

BUSY = frozenset({429, 503})
"""`Retry-After` is honoured on these."""

OWN = frozenset({408, 425, 429})
"""Beside 5xx and every network failure: the endpoint's own failure, not this delivery's."""

OURS = frozenset({"resources", "internal"})
"""Reasons of an `Unreachable` that are this machine's or this program's: they say nothing of the endpoint."""

OURS_WAIT = 1_000
LONGEST_WAIT = 24 * 3600 * 1000
JITTER = 0.2


def sign(outcome: Outcome) -> Sign:
    """What the outcome says of the endpoint, for its breaker."""
    match outcome:
        case Unreachable(reason):
            return "ours" if reason in OURS else "fault"
        case Response(status) if status // 100 == 2:
            return "won"
        case Response(status) if status == GONE:
            return "gone"
        case Response(status):
            return "fault" if status in OWN or status // 100 == 5 else "alive"


def judge(
    outcome: Outcome, *, tries: int, schedule: tuple[int, ...], now: int, random: float, probing: bool = False
) -> Verdict:
    """What becomes of the delivery.

    Args:
        outcome: of the attempt.
        tries: waits of the schedule used up before it.
        schedule: the waits between attempts, ms; each is jittered by ±20 %.
        now: ms.
        random: in [0, 1); 0.5 is no jitter.
        probing: the endpoint was failing when the attempt began; a probe uses up no wait.
    """
    match sign(outcome):
        case "won":
            return Delivered()
        case "gone":
            return RetryAt(now, counted=False)
        case "ours" if getattr(outcome, "reason", "") == "resources":
            return RetryAt(now + OURS_WAIT, counted=False)
        case "fault" if probing:
            return RetryAt(now, counted=False)
        case "alive" if isinstance(outcome, Response) and outcome.status in REFUSED:
            return Dead("refused")
    if tries >= len(schedule):
        return Dead("exhausted")
    return RetryAt(now + round(schedule[tries] * (1 - JITTER + 2 * JITTER * random)))


def told_to_wait(outcome: Outcome, *, wall: int) -> int:
    """Milliseconds for which the receiver asks to be left alone: `Retry-After` in seconds or as a date (RFC 9110,
    10.2.3), on 429 and 503, at most 24 h; 0 for none and for what cannot be read."""
    match outcome:
        case Response(status, _, header) if header and status in BUSY:
            return min(max(_span(header.strip(), wall), 0), LONGEST_WAIT)
    return 0


def _span(header: str, wall: int) -> int:
    if header.isascii() and header.isdigit():
        return int(header[:12]) * 1000
    try:
        date = parsedate_to_datetime(header)
        return round(date.replace(tzinfo=date.tzinfo or UTC).timestamp() * 1000) - wall
    except (ValueError, OverflowError, TypeError, IndexError):
        return 0
