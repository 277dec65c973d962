"""Rates. Law: smooth, never more than the rate, and reached at all."""

from hypothesis import given
from hypothesis import strategies as st

from sidecar.pace import TICK, Pace, allowance, started


def play(rate: float, ticks: list[int], wanted: int = 1000) -> list[int]:
    pace, counts = Pace(rate), []
    for now in ticks:
        count = allowance(pace, now, wanted)
        pace = started(pace, now, count)
        counts.append(count)
    return counts


def test_without_a_rate_everything_may_start() -> None:
    assert play(0, [1_000, 1_000]) == [1_000, 1_000]


def test_attempts_start_one_interval_apart_not_in_bursts() -> None:
    assert play(10, [1_000, 1_050, 1_099, 1_100, 1_150, 1_200, 1_201]) == [1, 0, 0, 1, 0, 1, 0]


def test_idle_time_is_not_saved_up() -> None:
    assert play(10, [1_000, 61_000, 61_001]) == [1, 1, 0]


def test_a_high_rate_is_reached_with_a_timer_of_milliseconds() -> None:
    counts = play(5_000, list(range(10_000, 11_000)))
    assert 4_900 <= sum(counts) <= 5_100
    assert max(counts) <= 5_000 * TICK / 1000 + 1


@given(st.floats(0.1, 10_000), st.lists(st.integers(0, 400), min_size=1, max_size=200))
def test_no_window_ever_sees_more_than_the_rate(rate: float, gaps: list[int]) -> None:
    ticks = [10_000 + sum(gaps[: n + 1]) for n in range(len(gaps))]
    counts = play(rate, ticks)
    for start in range(0, len(ticks), 7):
        span = ticks[-1] - ticks[start] + TICK
        assert sum(counts[start:]) <= span * rate / 1000 + 1 + 1e-6
