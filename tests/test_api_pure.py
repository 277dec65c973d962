"""What needs no socket to be tested: lines out of chunks, times in and out, the gate.

Law: by table and by loop-back.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.api.lines import Lines
from sidecar.api.moments import read, written, written_or_none
from sidecar.errors import Unavailable
from sidecar.model import FAR
from sidecar.web.gate import Gate

NOW = 1_800_000_000_000


def cut(chunks: list[bytes], limit: int) -> list[bytes | None]:
    lines = Lines(limit)
    return [line for chunk in chunks for line in lines.feed(chunk)] + lines.end()


@given(st.lists(st.binary(max_size=12).map(lambda raw: raw.replace(b"\x00", b"\n"))), st.integers(1, 8))
def test_lines_are_the_same_however_they_are_cut_into_chunks(chunks: list[bytes], limit: int) -> None:
    """Each line whole or, above the limit, told to be too long; an empty end is none."""
    expected = b"".join(chunks).split(b"\n")
    if not expected[-1]:
        expected.pop()
    assert cut(chunks, limit) == [line if len(line) <= limit else None for line in expected]


def test_what_is_too_long_is_not_kept() -> None:
    """A line without an end takes no more room than its limit."""
    lines = Lines(10)
    for _ in range(1000):
        assert lines.feed(b"x" * 1000) == []
        assert len(lines._rest) <= 10
    assert lines.feed(b"x\nshort\n") == [None, b"short"]


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (1_767_323_045_678, "2026-01-02T03:04:05.678Z"),
        (NOW, "2027-01-15T08:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (951_826_154_009, "2000-02-29T12:09:14.009Z"),
    ],
)
def test_times_are_rfc_3339_in_utc_with_ms(moment: int, text: str) -> None:
    assert written(moment) == text
    assert read(text, NOW) == moment


def test_no_time_and_never_are_none() -> None:
    assert (written_or_none(0), written_or_none(FAR), written_or_none(NOW)) == (None, None, written(NOW))


@given(st.integers(1, 253_402_300_799_999))
def test_what_is_written_is_read_back(moment: int) -> None:
    assert read(written(moment), NOW) == moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("200ms", NOW - 200),
        ("15s", NOW - 15_000),
        ("5m", NOW - 300_000),
        ("2h", NOW - 7_200_000),
        ("30d", NOW - 2_592_000_000),
        ("0s", NOW),
        ("99999999d", 1),
        ("2027-01-15T08:00:00z", NOW),
        ("2027-01-15t08:00:00Z", NOW),
        ("2027-01-15 08:00:00Z", NOW),
        ("2027-01-15T10:00:00+02:00", NOW),
        ("2027-01-15T10:00:00 02:00", NOW),
        ("2027-01-15T06:30:00-01:30", NOW),
        ("2027-01-15T08:00:00.5Z", NOW + 500),
        ("2027-01-15T08:00:00.123456789Z", NOW + 123),
        ("1969-12-31T23:59:59Z", 1),
        ("0001-01-01T00:00:00+23:59", 1),
    ],
)
def test_times_and_spans_back_are_understood(text: str, moment: int) -> None:
    assert read(text, NOW) == moment


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2h30m", "1.5h", "-2h", "2 h", "2w"),
        *("2027-01-15", "2027-01-15T08:00Z", "2027-01-15T08:00:00"),
        *("2027-13-15T08:00:00Z", "2027-01-15T25:00:00Z", "2027-01-15T08:00:00+25:00", "0000-01-01T00:00:00Z"),
    ],
)
def test_what_is_no_time_is_told_so(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(takes a time as|is no time: )"):
        read(text, NOW)


def test_a_gate_is_open_until_it_is_drained() -> None:
    gate = Gate()
    gate.check()
    assert gate.reason == ""
    gate.drain()
    with pytest.raises(Unavailable) as refused:
        gate.check()
    assert refused.value.retry_after
    assert gate.reason in refused.value.detail
