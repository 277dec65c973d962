"""What is counted. Law: pure; whole histories by Hypothesis."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.meters import MINUTE, Histogram, Meters, Minutes, status_class
from sidecar.model import (
    Accepted,
    Attempt,
    Claim,
    Conflict,
    Dead,
    Delivered,
    Event,
    Outcome,
    Response,
    RetryAt,
    Settlement,
    Unreachable,
    Verdict,
)

NOON = 1_800_000_000_000


def accepted(event: str, *, duplicate: bool = False) -> Accepted:
    return Accepted(event, duplicate, ())


def settled(outcome: Outcome, verdict: Verdict, *, endpoint: str = "hook", at: int = NOON, took: int = 5) -> Settlement:
    event = Event("e", "drone", "build:updated", "octocat/hello", b"{}", b"", NOON)
    claim = Claim(1, endpoint, event, 1, 0, NOON)
    return Settlement(claim, Attempt(1, at, took, outcome), verdict, at, 0)


@given(st.lists(st.integers(0, 10**8)))
def test_every_span_is_in_the_first_bucket_that_holds_it(spans: list[int]) -> None:
    histogram = Histogram((10, 100, 1000))
    for span in spans:
        histogram.observe(span)
    upper = [next((i for i, bound in enumerate((10, 100, 1000)) if span <= bound), 3) for span in spans]
    assert histogram.counts == [Counter(upper)[i] for i in range(4)]
    assert histogram.total == sum(spans)


@given(st.lists(st.tuples(st.integers(0, 90), st.booleans())), st.integers(0, 30))
def test_the_last_60_minutes_are_those_and_no_others(history: list[tuple[int, bool]], later: int) -> None:
    minutes = Minutes()
    history.sort()
    for minute, delivered in history:
        minutes.count(NOON + minute * MINUTE, delivered=delivered)
    last = max((minute for minute, _ in history), default=0) + later
    found = minutes.last(NOON + last * MINUTE)
    assert len(found) == 60
    for number, one in zip(range(last - 59, last + 1), found, strict=True):
        assert one.start == NOON + number * MINUTE
        assert (one.delivered, one.failed) == (history.count((number, True)), history.count((number, False)))


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Response(204), "2xx"),
        (Response(599), "5xx"),
        (Response(302), "3xx"),
        (Response(999), "other"),
        (Unreachable("timeout", "after 15 s"), "timeout"),
    ],
)
def test_an_outcome_is_the_class_of_its_status_or_its_word(outcome: Outcome, word: str) -> None:
    meters = Meters(["hook"], NOON)
    meters.attempted(settled(outcome, RetryAt(NOON)))
    assert meters.endpoints["hook"].outcomes == {word: 1}


def test_verdicts_are_counted_where_they_belong() -> None:
    meters = Meters(["hook"], NOON)
    for verdict in (Delivered(), RetryAt(NOON), Dead("refused"), Dead("exhausted"), Dead("refused")):
        meters.attempted(settled(Response(200), verdict))
    meters.expired("hook")
    hook = meters.endpoints["hook"]
    assert hook.dead == {"refused": 2, "exhausted": 1, "expired": 1}
    assert (hook.minutes.last(NOON)[-1].delivered, hook.minutes.last(NOON)[-1].failed) == (1, 4)


def test_what_is_not_configured_makes_no_label() -> None:
    meters = Meters(["hook"], NOON)
    meters.attempted(settled(Response(200), Delivered(), endpoint="gone"))
    meters.expired("gone")
    assert meters.endpoints.keys() == {"hook"}
    assert {status_class(hundreds) for hundreds in range(-5, 100)} == {"1xx", "2xx", "3xx", "4xx", "5xx", "other"}


def test_events_are_counted_as_they_were_answered() -> None:
    meters = Meters((), NOON)
    meters.answered("drone", [accepted("a"), accepted("b", duplicate=True), Conflict("c"), accepted("d")])
    meters.refused_for("unavailable", 3)
    assert (meters.accepted, meters.duplicates) == ({"drone": 2}, {"drone": 1})
    assert meters.refused == {"conflicting": 1, "unavailable": 3}
