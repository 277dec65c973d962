"""What an outcome means. Law: tables; no clock, no dice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model import Dead, Delivered, Outcome, Response, RetryAt, Unreachable, Verdict
from sidecar.retry import LONGEST_WAIT, judge, sign, told_to_wait

SCHEDULE = (5_000, 300_000, 1_800_000)
NOW = 1_700_000_000_000


def verdict(outcome: Outcome, tries: int = 0, random: float = 0.5, *, probing: bool = False) -> Verdict:
    return judge(outcome, tries=tries, schedule=SCHEDULE, now=NOW, random=random, probing=probing)


@pytest.mark.parametrize("status", [200, 201, 204, 226, 299])
def test_every_2xx_is_delivered(status: int) -> None:
    assert verdict(Response(status)) == Delivered()
    assert sign(Response(status)) == "won"


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_body_that_is_refused_is_dead_at_once_and_says_nothing_of_the_endpoint(status: int) -> None:
    assert verdict(Response(status)) == Dead("refused")
    assert sign(Response(status)) == "alive"


@pytest.mark.parametrize("status", [100, 101, 199, 300, 301, 302, 307, 308, 401, 403, 404, 405, 409, 451, 499])
def test_any_other_answer_is_tried_again_by_the_schedule_and_says_nothing_of_the_endpoint(status: int) -> None:
    assert verdict(Response(status)) == RetryAt(NOW + 5_000)
    assert sign(Response(status)) == "alive"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520, 599])
def test_a_failure_of_the_endpoints_own_is_tried_again_and_counts_for_its_breaker(status: int) -> None:
    assert verdict(Response(status)) == RetryAt(NOW + 5_000)
    assert sign(Response(status)) == "fault"


@pytest.mark.parametrize("reason", ["dns", "refused", "timeout", "reset", "cut-off", "tls", "protocol", "blocked"])
def test_every_network_failure_is_the_endpoints_own(reason: str) -> None:
    assert verdict(Unreachable(reason)) == RetryAt(NOW + 5_000)
    assert sign(Unreachable(reason)) == "fault"


def test_410_uses_up_no_attempt() -> None:
    assert verdict(Response(410), tries=3) == RetryAt(NOW, counted=False)
    assert sign(Response(410)) == "gone"


def test_a_probe_that_fails_uses_up_no_attempt() -> None:
    assert verdict(Response(500), tries=3, probing=True) == RetryAt(NOW, counted=False)


def test_a_probe_whose_body_is_refused_is_dead_and_one_that_meets_404_goes_by_the_schedule() -> None:
    assert verdict(Response(422), probing=True) == Dead("refused")
    assert verdict(Response(404), tries=1, probing=True) == RetryAt(NOW + 300_000)


def test_this_machines_own_trouble_uses_up_nothing() -> None:
    assert verdict(Unreachable("resources"), tries=3) == RetryAt(NOW + 1_000, counted=False)
    assert sign(Unreachable("resources")) == "ours"


def test_a_fault_of_our_own_goes_by_the_schedule_and_does_not_count_for_the_breaker() -> None:
    assert verdict(Unreachable("internal"), tries=3) == Dead("exhausted")
    assert sign(Unreachable("internal")) == "ours"


def test_after_the_last_wait_it_is_dead() -> None:
    assert [verdict(Response(500), tries=n) for n in range(4)] == [
        RetryAt(NOW + 5_000),
        RetryAt(NOW + 300_000),
        RetryAt(NOW + 1_800_000),
        Dead("exhausted"),
    ]


@pytest.mark.parametrize(("random", "wait"), [(0.0, 4_000), (0.25, 4_500), (0.5, 5_000), (0.999999, 6_000)])
def test_each_wait_is_jittered_by_a_fifth(random: float, wait: int) -> None:
    assert verdict(Response(500), random=random) == RetryAt(NOW + wait)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", 120_000),
        (" 7 ", 7_000),
        ("0", 0),
        ("86400", LONGEST_WAIT),
        ("999999999999999999999999", LONGEST_WAIT),
        ("-5", 0),
        ("1.5", 0),
        ("soon", 0),
        ("", 0),
        ("٣", 0),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30_000),
        ("Tue, 14 Nov 2023 22:13:50 +0000", 30_000),
        ("Tuesday, 14-Nov-23 22:13:50 GMT", 30_000),
        ("Tue Nov 14 22:13:50 2023", 30_000),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT),
        ("Mon, 99 Foo 2023 99:99:99 GMT", 0),
        ("Thu, 01 Jan 0000 00:00:00 GMT", 0),
    ],
)
def test_retry_after_is_read_in_seconds_and_as_a_date_and_capped_at_a_day(header: str, wait: int) -> None:
    assert told_to_wait(Response(503, b"", header), wall=NOW) == wait
    assert told_to_wait(Response(429, b"", header), wall=NOW) == wait


@pytest.mark.parametrize("status", [200, 301, 404, 500, 502])
def test_retry_after_is_honoured_on_429_and_503_alone(status: int) -> None:
    assert told_to_wait(Response(status, b"", "120"), wall=NOW) == 0


@given(st.text(max_size=64), st.integers(0, 2**53))
def test_no_retry_after_however_absurd_raises_or_exceeds_a_day(header: str, wall: int) -> None:
    assert 0 <= told_to_wait(Response(503, b"", header), wall=wall) <= LONGEST_WAIT


@given(st.integers(-1, 2000), st.integers(0, 9), st.floats(0, 1, exclude_max=True), st.booleans())
def test_every_status_has_a_verdict_and_no_retry_lies_in_the_past(
    status: int, tries: int, random: float, probing: bool
) -> None:
    found = verdict(Response(status), tries, random, probing=probing)
    assert not isinstance(found, RetryAt) or NOW <= found.due <= NOW + 2_160_000
