"""Spans and moments as a person reads them. Law: pure; `at`, the moment they are read at, is an argument."""

from datetime import UTC, datetime

UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"))


def parse(moment: str) -> int:
    """ms since the epoch of an RFC 3339 time. Raises ValueError."""
    read = datetime.fromisoformat(moment)
    return int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp() * 1000)


def span(length: int) -> str:
    """`90_000` → `2 min`: a length in ms in the largest unit that gives at least 1."""
    for size, unit in UNITS:
        if length >= size:
            return f"{round(length / size)} {unit}"
    return f"{length} ms"


def took(length: float) -> str:
    """How long something took, in ms or s: `4.1 ms`, `812 ms`, `15.0 s`."""
    if length >= 1000:
        return f"{length / 1000:.1f} s"
    return f"{length:.1f} ms" if length < 10 else f"{length:.0f} ms"


def ago(moment: str | None, at: int) -> str:
    """An RFC 3339 time as seen from `at` (ms): `3 min ago`, `in 10 s`, `now`; "" for none."""
    if not moment:
        return ""
    try:
        past = at - parse(moment)
    except ValueError:
        return moment
    if abs(past) < 1000:
        return "now"
    return f"{span(past)} ago" if past > 0 else f"in {span(-past)}"
