"""The breaker of an endpoint. Law: pure; every line of the contract's section 6 on it is a test here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar import breaker
from sidecar.breaker import after, pause, resume, room
from sidecar.model import FAR, Health, Sign

LIMIT = 16
HOUR = 3_600_000


Step = tuple[Sign, int]


def times(count: int, sign: Sign, at: int) -> list[Step]:
    return [(sign, at)] * count


def run(health: Health, *steps: Step, probing: bool | None = None) -> Health:
    for sign, now in steps:
        was = health.state == "failing" if probing is None else probing
        health = after(health, sign, now=now, limit=LIMIT, probing=was)
    return health


def failing(at: int = 1_000) -> Health:
    return run(Health(), *times(5, "fault", at))


def test_four_failures_in_a_row_change_nothing_and_the_fifth_makes_it_failing() -> None:
    health = run(Health(), *times(4, "fault", 1_000))
    assert (health.state, room(health, now=1_000, in_flight=0, limit=LIMIT)) == ("active", 16)
    health = run(health, ("fault", 1_000))
    assert (health.state, health.since, health.last_failure, health.failures) == ("failing", 1_000, 1_000, 5)


@pytest.mark.parametrize("answer", ["won", "alive"])
def test_any_answer_that_is_no_failure_of_the_endpoints_own_ends_the_row(answer: Sign) -> None:
    steps: list[tuple[Sign, int]] = [("fault", 1)] * 4
    assert run(Health(), *steps, (answer, 2), *steps).state == "active"


def test_while_failing_one_probe_at_a_time_starts_after_its_wait() -> None:
    health = failing(at=1_000)
    assert room(health, now=1_999, in_flight=0, limit=LIMIT) == 0
    assert room(health, now=2_000, in_flight=0, limit=LIMIT) == 1
    assert room(health, now=2_000, in_flight=1, limit=LIMIT) == 0


def test_the_waits_between_probes_double_from_a_second_to_five_minutes() -> None:
    health, now, waits = failing(at=0), 0, []
    for _ in range(12):
        waits.append(health.not_before - now)
        now = health.not_before
        health = run(health, ("fault", now))
    assert waits == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000, 300_000]


def test_retry_after_is_kept_where_it_is_later_than_the_next_probe() -> None:
    health = after(failing(at=0), "fault", now=1_000, limit=LIMIT, wait=60_000, probing=True)
    assert health.not_before == 61_000
    health = after(health, "fault", now=61_000, limit=LIMIT, wait=1, probing=True)
    assert health.not_before == 65_000


def test_what_was_in_flight_when_it_began_to_fail_does_not_lengthen_the_wait() -> None:
    health = run(failing(at=0), *times(11, "fault", 10), probing=False)
    assert (health.wait, health.not_before) == (1_000, 1_000)


@pytest.mark.parametrize("answer", ["won", "alive"])
def test_the_first_answer_opens_it_again_and_the_wait_is_a_second_again(answer: Sign) -> None:
    health = run(failing(at=0), ("fault", 1_000), ("fault", 3_000), (answer, 7_000))
    assert (health.state, health.since, health.failures, health.not_before) == ("active", 7_000, 0, 0)
    assert health.releasing
    again = run(health, *times(5, "fault", 8_000))
    assert again.not_before == 9_000


def test_concurrency_grows_1_2_4_8_up_to_the_limit_second_by_second() -> None:
    health, allowed = run(failing(at=0), ("won", 1_000)), []
    for now in range(1_000, 6_000, 250):
        allowed.append(room(health, now=now, in_flight=0, limit=LIMIT))
        health = run(health, *times(50, "won", now + 249))
    assert allowed == [1] * 5 + [2] * 4 + [4] * 4 + [8] * 4 + [16] * 3


def test_concurrency_grows_by_answers_alone_a_silence_is_no_success() -> None:
    health = run(failing(at=0), ("won", 1_000))
    assert room(health, now=HOUR, in_flight=0, limit=LIMIT) == 1
    assert room(run(health, *times(9, "won", HOUR)), now=HOUR, in_flight=0, limit=LIMIT) == 2


def test_three_failures_in_a_row_during_a_recovery_halve_what_is_allowed() -> None:
    health = run(failing(at=0), *[("won", now) for now in (1_000, 2_000, 3_000, 4_000)])
    assert room(health, now=4_000, in_flight=0, limit=LIMIT) == 8
    assert room(run(health, *times(2, "fault", 4_900)), now=4_900, in_flight=0, limit=LIMIT) == 8
    health = run(health, *times(3, "fault", 4_900))
    assert room(health, now=4_900, in_flight=0, limit=LIMIT) == 4
    assert room(run(health, ("won", 5_000)), now=5_000, in_flight=0, limit=LIMIT) == 4, "and a second passes again"


@pytest.mark.parametrize(("every", "span"), [(100, 3), (20, 50), (10, 10)])
def test_an_endpoint_that_fails_now_and_then_gets_its_whole_concurrency_back_all_the_same(
    every: int, span: int
) -> None:
    """One in `every` fails; `span` ms between two."""
    answers: list[Step] = [
        ("fault" if number % every == 0 else "won", 1_000 + number * span) for number in range(1, 4_200 // span)
    ]
    health = run(failing(at=0), ("won", 1_000), *answers)
    assert (health.allowed, room(health, now=5_200, in_flight=0, limit=LIMIT)) == (0, LIMIT)


@pytest.mark.parametrize("second_wait", [0, 1_000, 59_900])
def test_answers_that_come_while_we_are_told_to_wait_bring_no_more_than_one_delivery_at_its_end(
    second_wait: int,
) -> None:
    health = after(Health(), "fault", now=0, limit=LIMIT, wait=60_000)
    health = after(health, "fault", now=100, limit=LIMIT, wait=second_wait)
    health = run(health, *[("won", now) for now in (1_200, 2_400, 3_600, 4_800)])
    assert room(health, now=60_000, in_flight=0, limit=LIMIT) == 1
    health = run(health, ("won", 60_000))
    assert room(health, now=60_000, in_flight=0, limit=LIMIT) == 1


def test_nor_do_they_where_it_was_failing_when_it_told_us_so() -> None:
    health = Health()
    for _ in range(5):
        health = after(health, "fault", now=0, limit=LIMIT, wait=60_000)
    health = run(health, *[("won", now) for now in (500, 1_600, 2_700, 3_800, 4_900)], probing=False)
    assert [room(health, now=now, in_flight=0, limit=LIMIT) for now in (59_999, 60_000)] == [0, 1]


def test_410_pauses_until_it_is_resumed_by_hand() -> None:
    health = run(Health(), ("gone", 5))
    assert (health.state, health.since, "410" in health.reason) == ("paused", 5, True)
    assert room(health, now=10 * HOUR, in_flight=0, limit=LIMIT) == 0
    assert run(health, ("won", 6)).state == run(health, *times(9, "fault", 6)).state == "paused"
    health = resume(health, now=7)
    assert (health.state, health.releasing, room(health, now=7, in_flight=0, limit=LIMIT)) == ("active", True, 1)


def test_pausing_what_is_paused_and_resuming_what_is_not_changes_nothing() -> None:
    paused = pause(Health(), now=1, reason="by hand")
    assert pause(paused, now=2, reason="again") == paused
    assert resume(Health(), now=3) == Health()


def test_told_to_wait_while_active_nothing_starts_until_then() -> None:
    health = after(Health(), "fault", now=1_000, limit=LIMIT, wait=30_000)
    assert health.state == "active"
    assert room(health, now=30_999, in_flight=0, limit=LIMIT) == 0
    assert room(health, now=31_000, in_flight=0, limit=LIMIT) == 1, "and then it goes on gently"
    shorter = after(health, "fault", now=2_000, limit=LIMIT, wait=1_000)
    assert shorter.not_before == 31_000


def test_the_flow_clock_runs_while_active_and_stands_still_while_failing() -> None:
    health = failing(at=10_000)
    assert health.flow_at(10_000) == health.flow_at(10_000 + HOUR) == 10_000
    opened = run(health, ("won", 10_000 + HOUR))
    assert opened.flow_at(10_000 + HOUR + 7) == 10_007


def test_the_flow_clock_stands_still_while_paused() -> None:
    health = pause(Health(), now=5_000, reason="by hand")
    assert resume(health, now=90_000).flow_at(91_000) == 6_000


def test_the_flow_clock_stands_still_while_told_to_wait() -> None:
    health = after(Health(), "fault", now=1_000, limit=LIMIT, wait=30_000)
    assert [health.flow_at(t) for t in (1_000, 20_000, 31_000, 32_000)] == [1_000, 1_000, 1_000, 2_000]


def test_this_machines_own_trouble_changes_nothing() -> None:
    assert run(Health(), *times(20, "ours", 1)) == Health()


@given(
    st.lists(st.tuples(st.sampled_from(["won", "alive", "fault", "gone", "ours"]), st.integers(0, HOUR)), max_size=60)
)
def test_whatever_comes_the_flow_clock_never_goes_back_and_room_keeps_its_bounds(steps: list[tuple[Sign, int]]) -> None:
    health, now, flow = Health(), 0, 0
    for sign, span in steps:
        now += span
        assert health.flow_at(now) >= flow
        flow = health.flow_at(now)
        free = room(health, now=now, in_flight=0, limit=LIMIT)
        assert 0 <= free <= (1 if health.state == "failing" else LIMIT)
        health = after(health, sign, now=now, limit=LIMIT, wait=span % 7_000, probing=health.state == "failing")
        assert health.wait <= breaker.LAST_WAIT
        assert health.not_before <= now + breaker.LAST_WAIT + 7_000
        assert health.flow <= now < FAR


def test_an_answer_that_was_in_flight_does_not_shorten_the_wait_the_receiver_asked_for() -> None:
    health = Health()
    for _ in range(5):
        health = after(health, "fault", now=1_000, limit=LIMIT, wait=HOUR)
    health = run(health, ("alive", 1_001), probing=False)
    assert (health.state, room(health, now=HOUR, in_flight=0, limit=LIMIT)) == ("active", 0)
    assert health.flow_at(HOUR) == 1_000
    assert room(health, now=1_000 + HOUR, in_flight=0, limit=LIMIT) == 1
