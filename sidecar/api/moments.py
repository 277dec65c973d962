"""Times as they are written and read on the socket: RFC 3339, UTC, ms. Law: pure; `now` is an argument."""

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z: what RFC 3339 can write."""

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
SPAN = re.compile(r"([0-9]{1,12})(ms|s|m|h|d)")
# The blank before the offset is a "+" that nobody escaped in a query.
TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?(?:([Zz])|([+ -])(\d\d:\d\d))", re.ASCII)


def written(moment: int) -> str:
    """`1767323045678` → `2026-01-02T03:04:05.678Z`."""
    read = EPOCH + timedelta(milliseconds=min(moment, LAST))
    return f"{read.isoformat(timespec='milliseconds')[:-6]}Z"


def written_or_none(moment: int) -> str | None:
    """As `written`; None for 0 and for a time that never comes."""
    return written(moment) if 0 < moment <= LAST else None


def read(text: str, now: int) -> int:
    """ms since the epoch of an RFC 3339 time, or of a span (`2h`, `30d`) back from `now`; at least 1.

    Raises ValueError with a sentence for a person.
    """
    if span := SPAN.fullmatch(text):
        return max(1, now - int(span[1]) * UNITS[span[2]])
    if time := TIME.fullmatch(text):
        date, clock, fraction, zulu, sign, offset = time.groups()
        zone = "+00:00" if zulu else f"{'-' if sign == '-' else '+'}{offset}"
        try:
            moment = datetime.fromisoformat(f"{date}T{clock}.{(fraction or '0'):0<6}{zone}")
        except ValueError as error:
            raise ValueError(f"is no time: {error}") from None
        return max(1, (moment - EPOCH) // timedelta(milliseconds=1))
    raise ValueError("takes a time as 2026-01-02T03:04:05Z, or a span back from now as 2h or 30d")
