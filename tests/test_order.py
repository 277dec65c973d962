"""Order within a subject, through failures, outages and restarts. Law: made-up time and wire, real outbox."""

import random
from collections import defaultdict
from functools import partial
from pathlib import Path

import pytest
from simulation import HOLD, Answer, Sent, Simulation, endpoint, simulation

from sidecar.model import Outcome, Response, Unreachable

MINUTE = 60_000


def assert_ordered(it: Simulation, taken: list[Sent]) -> None:
    """Within each subject, what was taken came in the order it was accepted."""
    by_subject: dict[str, list[int]] = defaultdict(list)
    for sent in taken:
        number = int(sent.event.rpartition("-")[2])
        if number not in by_subject[sent.subject]:
            by_subject[sent.subject].append(number)
    for subject, numbers in by_subject.items():
        assert numbers == sorted(numbers), subject


class Shaky:
    """Answers 500 to a tenth, but lets none fail thrice: what was tried before it came has failed once already."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._failed: dict[str, int] = {}

    def __call__(self, sent: Sent) -> Response:
        failed = self._failed.setdefault(sent.event, int(sent.attempt > 1))
        if self._dice.random() < 0.1 and failed < 2:
            self._failed[sent.event] += 1
            return Response(500)
        return Response(200)


@pytest.mark.parametrize("seed", range(3))
async def test_an_outage_is_played_through_and_every_repository_keeps_its_order(tmp_path: Path, seed: int) -> None:
    """400 events of 10 repositories wait for a receiver that answers 503 for an hour, and then 10 % errors.

    No event fails thrice after the outage: its third wait, 30 minutes, is longer than the hold, and then others may
    pass.
    """
    shaky = Shaky(seed)
    async with simulation(tmp_path, lambda sent: Response(503) if sent.at < back else shaky(sent)) as it:
        back = it.clock.now() + 60 * MINUTE
        await it.add(*[f"repo{n % 10}" for n in range(400)])
        await it.pass_(59 * MINUTE)
        assert len(it.wire.sent) <= 16 + 9 + 12 + 1, "few probes meanwhile"
        await it.until(lambda: len(it.wire.good) == 400)
        assert_ordered(it, it.wire.good)
        assert it.wire.good[-1].at <= back + 20 * MINUTE


async def test_order_survives_a_restart_in_the_middle_of_an_outage(tmp_path: Path) -> None:
    taken: list[Sent] = []
    async with simulation(tmp_path, lambda _: Unreachable("refused")) as it:
        clock = it.clock
        await it.add(*[f"repo{n % 10}" for n in range(200)])
        await it.pass_(10 * MINUTE)
    shaky = Shaky(7)
    for _ in range(4):
        async with simulation(tmp_path, shaky, clock=clock) as it:
            enough = min(60, 200 - len({sent.event for sent in taken}))
            await it.until(partial(lambda wire, enough: len(wire.good) >= enough, it.wire, enough))
        taken += it.wire.good
    assert len({sent.event for sent in taken}) == 200
    assert_ordered(it, taken)


async def test_two_of_one_subject_are_never_in_flight_at_once(tmp_path: Path) -> None:
    busy: set[str] = set()

    async def script(sent: Sent) -> Outcome:
        assert sent.subject not in busy
        busy.add(sent.subject)
        outcome = await it.take(dice.randrange(1, 50), Response(dice.choice([200, 200, 404])))
        busy.discard(sent.subject)
        return outcome

    dice = random.Random(1)
    async with simulation(tmp_path, script) as it:
        await it.add(*[f"repo{n % 7}" for n in range(140)])
        await it.until(lambda: len(it.wire.good) == 140)


async def test_a_failing_event_holds_back_its_own_repository_for_the_hold_and_no_other(tmp_path: Path) -> None:
    def script(sent: Sent) -> Answer:
        return Response(404 if sent.event == "bad-1" else 200)

    async with simulation(tmp_path, script) as it:
        start = it.clock.now()
        await it.add("bad", "bad", "bad", "good", "good")
        await it.until(lambda: len(it.wire.good) == 2)
        assert (it.wire.to("hook"), it.clock.now() - start) == (["good-1", "good-2"], 0)
        await it.until(lambda: len(it.wire.good) == 4)
        assert it.wire.to("hook")[2:] == ["bad-2", "bad-3"]
        assert it.clock.now() - start == HOLD


async def test_the_hold_stands_still_while_the_endpoint_is_failing(tmp_path: Path) -> None:
    """An outage of ten hours must not let later events pass the one that failed before it."""

    def script(sent: Sent) -> Answer:
        if sent.event == "bad-1" and sent.at < start + 11 * hour:
            return Response(404)
        return Unreachable("refused") if start + MINUTE < sent.at < start + 10 * hour else Response(200)

    hour = 60 * MINUTE
    async with simulation(tmp_path, script) as it:
        start = it.clock.now()
        await it.add("bad", "bad")
        await it.pass_(2 * MINUTE)
        await it.add(*[f"s{n}" for n in range(20)])
        await it.pass_(9 * hour)
        assert it.dispatcher.health("hook").state == "failing"
        assert "bad-2" not in it.wire.to("hook")
        await it.until(lambda: len(it.wire.good) == 22)
        passed = next(sent.at for sent in it.wire.good if sent.event == "bad-2")
        assert passed >= start + 10 * hour


async def test_while_paused_the_hold_stands_still(tmp_path: Path) -> None:
    async with simulation(tmp_path, lambda sent: Response(404 if sent.event == "bad-1" else 200)) as it:
        await it.add("bad", "bad")
        await it.pass_(MINUTE)
        await it.dispatcher.pause("hook")
        await it.pass_(600 * MINUTE)
        await it.dispatcher.resume("hook")
        resumed = it.clock.now()
        await it.until(lambda: it.wire.to("hook") == ["bad-2"])
        assert it.clock.now() - resumed == HOLD - MINUTE


async def test_without_an_order_nothing_is_held_back(tmp_path: Path) -> None:
    async with simulation(tmp_path, lambda sent: Response(404 if sent.event == "x-1" else 200), order="none") as it:
        start = it.clock.now()
        await it.add("x", "x", "x")
        await it.until(lambda: len(it.wire.good) == 2)
        assert it.clock.now() == start


async def test_each_endpoint_keeps_an_order_of_its_own(tmp_path: Path) -> None:
    def script(sent: Sent) -> Answer:
        return Response(404 if sent.endpoint == "a" and sent.event == "x-1" else 200)

    async with simulation(tmp_path, script, endpoints=[endpoint("a"), endpoint("b")]) as it:
        await it.add("x", "x", to=("a", "b"))
        await it.until(lambda: len(it.wire.to("b")) == 2)
        assert it.wire.to("a") == []
