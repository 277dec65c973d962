"""The one form of `Date`. Law: pure; the same in every locale."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

from sidecar.signing.common import InvalidSignature

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def http_date(ms: int) -> str:
    """The value of `Date` (RFC 9110, 5.6.7: IMF-fixdate) for a time in ms; the same in every locale."""
    return _http_date(ms // 1000)


def parsed(text: str) -> int:
    """ms of an IMF-fixdate; any other form, or a day that never was, is not what comes out again."""
    try:
        at = int(parsedate_to_datetime(text).replace(tzinfo=UTC).timestamp()) * 1000
        if http_date(at) == text:
            return at
    except (ValueError, OverflowError, TypeError, IndexError):
        pass
    raise InvalidSignature("date", "Date is not like Fri, 02 Jan 2026 03:04:05 GMT")


@lru_cache(maxsize=16)
def _http_date(seconds: int) -> str:
    at = EPOCH + timedelta(seconds=seconds)
    day, month = DAYS[at.weekday()], MONTHS[at.month - 1]
    return f"{day}, {at.day:02} {month} {at.year:04} {at.hour:02}:{at.minute:02}:{at.second:02} GMT"
