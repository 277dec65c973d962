"""Words of others, whatever they are: Retry-After, globs, settings. No crash, no hang, and an answer that makes sense.

Law: pure functions, and settings with real files in a real folder.
"""

import fnmatch
from pathlib import Path

from fuzz_rig import FUZZ, SPOILS, Spoil, long, metered, spoilt
from hypothesis import given
from hypothesis import strategies as st

from sidecar.dialects.patterns import check_glob, gomatch, refmatch
from sidecar.errors import Misconfigured
from sidecar.model import Dead, Delivered, Response, RetryAt
from sidecar.retry import LONGEST_WAIT, judge, told_to_wait
from sidecar.settings import describe, load
from sidecar.settings.known import FIELDS, NAMES

NOON = 1_800_000_000_000
DATES = (
    b"Wed, 21 Oct 2026 07:28:00 GMT",
    b"Wednesday, 21-Oct-26 07:28:00 GMT",
    b"Wed Oct 21 07:28:00 2026",
    b"Fri, 15 Jan 2027 08:00:30 +0130",
    b"31 Feb 2027 08:00:00",
    b"120",
    b"99999999999999999999",
)


@long
def test_any_retry_after_is_a_wait_of_at_most_a_day() -> None:
    text = st.text(max_size=40) | st.binary(max_size=40).map(lambda raw: raw.decode("latin-1"))
    dates = st.tuples(st.sampled_from(DATES), SPOILS).map(lambda two: spoilt(*two).decode("latin-1"))
    digits = st.text("0123456789\u0660\u0967\u00b2\u2070 +-.", max_size=20)
    with metered("Retry-After") as meter:

        @FUZZ
        @given(
            dates | text | digits, st.sampled_from((429, 503, 500, 200)), st.integers(0, 2 * NOON), st.integers(0, 9)
        )
        def one(header: str, status: int, wall: int, tries: int) -> None:
            with meter.one():
                outcome = Response(status, b"", header)
                wait = told_to_wait(outcome, wall=wall)
                assert 0 <= wait <= (LONGEST_WAIT if status in (429, 503) else 0)
                verdict = judge(outcome, tries=tries, schedule=(1,) * 5, now=wall, random=0.5)
                assert isinstance(verdict, Delivered | RetryAt | Dead)

        one()


SIZES = (1,) * 20 + (10,) * 3 + (100,)
PATTERN = st.text("ab*?[]^-\\/!é\U0001f600\ud800", max_size=16) | st.text(max_size=16)


@long
def test_any_glob_matches_or_does_not() -> None:
    with metered("globs and ref patterns") as meter:

        @FUZZ
        @given(PATTERN, PATTERN, st.sampled_from(SIZES))
        def one(pattern: str, name: str, times: int) -> None:
            pattern, name = pattern * times, name * times
            with meter.one():
                matches = gomatch(pattern, name)
                assert not (matches and check_glob(pattern)), "a bad pattern matches nothing"
                if not set(pattern) & set("*?[\\"):
                    assert matches == (pattern == name)
                assert refmatch(pattern, name) == fnmatch.fnmatchcase(name, pattern)

        one()


VALUE = st.one_of(
    st.sampled_from(
        ["", "0", "-1", "1", "t", "off", "15s", "5m,2h", "1GiB", "127.0.0.1:0", "[::1]:80", "0660", "http://a/", "é"]
    ),
    st.sampled_from(
        ["https://u:p@ci.example/a?b#c", "http://[::1", "http://x:99999/", "cavage,standard", "whsec_!", "/"]
    ),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30),
)
NAME = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
    st.sampled_from(FIELDS).map("SIDECAR_ENDPOINT_CI_{}".format),
    st.text("SIDECARDRONE_WEBHOOK_ENDPOINT", max_size=20).map("SIDECAR_{}".format),
)


def faults_of(environ: dict[str, str], folder: Path) -> list[str]:
    """None where the settings are taken, and can be shown."""
    try:
        assert describe(load(environ, folder))
    except Misconfigured as wrong:
        return list(wrong.faults) or ["no fault is told"]
    return []


@long
def test_any_settings_are_taken_or_every_fault_is_told_on_a_line_of_its_own(tmp_path: Path) -> None:
    with metered("settings, and .env") as meter:

        @FUZZ
        @given(st.dictionaries(NAME, VALUE, max_size=6), st.dictionaries(NAME, VALUE, max_size=3), SPOILS)
        def one(environ: dict[str, str], lines: dict[str, str], spoils: list[Spoil]) -> None:
            text = "".join(f'{name}="{value}"\n' for name, value in lines.items()).encode()
            (tmp_path / ".env").write_bytes(spoilt(text, spoils))
            with meter.one():
                faults = faults_of(environ, tmp_path)
                assert not [fault for fault in faults if "\n" in fault or ": " not in fault]

        one()
