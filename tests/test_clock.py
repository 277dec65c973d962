"""Time as the sidecar has it. Law: only the readings are made up; the clock is the real one."""

import asyncio
import time

import pytest

from sidecar.clock import SystemClock
from sidecar.model import FAR

MS = 1_000_000
NOON = 1_800_000_000_000


class Readings:
    """What the system's clocks show, in ms."""

    def __init__(self) -> None:
        self.wall = NOON
        self.steady = 5_000

    def clock(self, floor: int = 0, longest_sleep: int = 60_000) -> SystemClock:
        return SystemClock(
            floor, wall=lambda: self.wall * MS, steady=lambda: self.steady * MS, longest_sleep=longest_sleep
        )

    def pass_by(self, span: int) -> None:
        self.wall += span
        self.steady += span


@pytest.fixture
def readings() -> Readings:
    return Readings()


def test_now_is_the_wall_clock_as_long_as_that_goes_on(readings: Readings) -> None:
    clock = readings.clock()
    assert clock.now() == clock.wall() == NOON
    readings.pass_by(250)
    assert clock.now() == clock.wall() == NOON + 250


def test_a_wall_clock_set_back_does_not_turn_time_back_nor_stop_it(readings: Readings) -> None:
    clock = readings.clock()
    readings.wall -= 3_600_000
    assert (clock.now(), clock.wall()) == (NOON, NOON - 3_600_000)
    readings.pass_by(1_000)
    assert clock.now() == NOON + 1_000


def test_a_wall_clock_set_forward_is_followed_and_stays_followed(readings: Readings) -> None:
    clock = readings.clock()
    readings.wall += 3_600_000
    assert clock.now() == NOON + 3_600_000
    readings.wall -= 3_600_000
    readings.pass_by(1_000)
    assert clock.now() == NOON + 3_601_000


def test_time_goes_on_from_the_latest_that_was_written(readings: Readings) -> None:
    clock = readings.clock(floor=NOON + 60_000)
    assert clock.now() == NOON + 60_000
    readings.pass_by(1_000)
    assert clock.now() == NOON + 61_000


def test_the_floor_can_be_raised_later_and_never_sinks(readings: Readings) -> None:
    clock = readings.clock()
    clock.raise_floor(NOON - 1)
    assert clock.now() == NOON
    clock.raise_floor(NOON + 7)
    clock.raise_floor(NOON + 3)
    assert clock.now() == NOON + 7


def test_the_systems_clocks_are_read_in_the_units_promised() -> None:
    clock = SystemClock()
    before, spans = time.time_ns() // MS, time.monotonic_ns() // 1_000
    assert before <= clock.wall() <= clock.now() + 1
    assert clock.now() - before < 60_000
    assert 0 <= clock.elapsed() - spans < 60_000_000


async def test_a_wait_is_over_when_its_time_has_come() -> None:
    clock = SystemClock()
    until = clock.now() + 5
    await clock.wait(asyncio.Event(), until)
    assert clock.now() >= until


@pytest.mark.parametrize("until", [0, NOON, FAR])
async def test_a_wait_for_what_is_already_so_is_none(readings: Readings, until: int) -> None:
    event = asyncio.Event()
    event.set()
    await readings.clock().wait(event, until)


async def test_a_wait_for_a_time_gone_by_is_none(readings: Readings) -> None:
    await readings.clock().wait(asyncio.Event(), NOON)


@pytest.mark.parametrize("until", [NOON + 3_600_000, FAR])
async def test_an_event_ends_a_wait_at_once(readings: Readings, until: int) -> None:
    event = asyncio.Event()
    waiting = asyncio.ensure_future(readings.clock().wait(event, until))
    asyncio.get_running_loop().call_soon(event.set)
    await waiting


async def test_a_wall_clock_set_forward_ends_a_wait(readings: Readings) -> None:
    waiting = asyncio.ensure_future(readings.clock(longest_sleep=1).wait(asyncio.Event(), NOON + 3_600_000))
    asyncio.get_running_loop().call_soon(setattr, readings, "wall", NOON + 3_600_000)
    await waiting


@pytest.mark.parametrize("until", [NOON + 3_600_000, FAR])
async def test_a_cancelled_wait_leaves_nothing_behind(readings: Readings, until: int) -> None:
    waiting = asyncio.ensure_future(readings.clock().wait(asyncio.Event(), until))
    asyncio.get_running_loop().call_soon(waiting.cancel)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert asyncio.all_tasks() == {asyncio.current_task()}
