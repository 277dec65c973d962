"""Moments at which two things meet: a full disk and a pause, a verdict and a resume, a rate and a drain.

Law: made-up time and wire, a real outbox on a disk that can be full.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from faulty_vfs import EVER, Disk, faulty_disk
from simulation import HOLD, Answer, Sent, Simulation, endpoint, simulation

from sidecar.errors import NoSpace
from sidecar.model import Claimed, Query, Response, Unreachable
from sidecar.upkeep import Upkeep

DAY = 86_400_000


@pytest.fixture
def disk() -> Iterator[Disk]:
    with faulty_disk() as disk:
        yield disk


def full() -> int:
    return 0


def roomy() -> int:
    return EVER


def refuse(_: Sent) -> Answer:
    return Unreachable("refused")


async def failed(it: Simulation, count: int) -> None:
    """Return once `count` deliveries have failed and that is on disk."""
    await it.until(lambda: len(it.wire.sent) == count)
    await it.pass_(1)


async def test_after_a_long_pause_what_waited_has_its_whole_age_before_it_again(tmp_path: Path) -> None:
    async with simulation(tmp_path, lambda _: it.take(20_000, Response(200))) as it:
        upkeep = Upkeep(it.outbox, it.clock, ("hook",), 4 * DAY, 30 * DAY)
        await it.dispatcher.pause("hook")
        await it.add(*[f"s{n}" for n in range(5)])
        await it.pass_(10 * DAY)
        await it.dispatcher.resume("hook")
        await it.pass_(15_000)
        await upkeep.round()
        await it.until(lambda: len(it.wire.good) == 5)


async def test_what_an_endpoint_is_owed_that_was_gone_for_long_goes_on_when_it_comes_back(tmp_path: Path) -> None:
    async with simulation(tmp_path, endpoints=[endpoint("other")]) as it:
        await it.add("x", to=("gone",))
        away = Upkeep(it.outbox, it.clock, ("other",), 4 * DAY, 30 * DAY)
        for _ in range(10):
            await away.round()
            await it.pass_(DAY)
        await away.round()
        clock = it.clock
    async with simulation(tmp_path, endpoints=[endpoint("gone")], clock=clock) as it:
        await Upkeep(it.outbox, it.clock, ("gone",), 4 * DAY, 30 * DAY).round()
        await it.until(lambda: it.wire.to("gone") == ["x-1"])


async def test_a_ballast_that_cannot_be_removed_stops_nobody(tmp_path: Path, disk: Disk) -> None:
    (tmp_path / "ballast").mkdir()
    async with simulation(tmp_path, vfs=disk.name) as it:
        disk.room = full
        with pytest.raises(NoSpace):
            await it.add("x")
        disk.room = roomy
        (tmp_path / "ballast").rmdir()
        await it.pass_(10_000)
        await it.add("y")
        await it.until(lambda: len(it.wire.good) == 1)


async def test_a_pause_is_not_undone_by_a_verdict_that_waited_for_room(tmp_path: Path, disk: Disk) -> None:
    def fills(_: Sent) -> Answer:
        disk.room = full
        return Unreachable("refused")

    async with simulation(tmp_path, fills, vfs=disk.name) as it:
        await it.add("x")
        await failed(it, 1)
        disk.room = roomy
        await it.dispatcher.pause("hook")
        await it.pass_(3_000)
        clock = it.clock
    async with simulation(tmp_path, clock=clock) as it:
        await it.pass_(DAY)
        assert (it.dispatcher.health("hook").state, it.wire.sent) == ("paused", [])


async def test_a_pause_between_claim_and_start_on_a_full_disk_ends_nothing(tmp_path: Path, disk: Disk) -> None:
    async with simulation(tmp_path, vfs=disk.name) as it:
        claim = it.outbox.claim
        pauses: list[asyncio.Future[None]] = []

        async def claim_then_pause(name: str, limit: int, now: int, flow: int, *, standing: bool) -> Claimed:
            claimed = await claim(name, limit, now, flow, standing=standing)
            if claimed.claims and not pauses:
                disk.room = full
                pauses.append(asyncio.ensure_future(it.dispatcher.pause("hook")))
                await asyncio.wait(pauses)
            return claimed

        it.outbox.claim = claim_then_pause  # type: ignore[assignment,method-assign] # a seam of this very moment
        await it.add("x")
        await it.until(lambda: bool(pauses) and pauses[0].done())
        assert isinstance(pauses[0].exception(), NoSpace)
        await it.pass_(5_000)
        disk.room = roomy
        await it.pass_(5_000)
        assert not it.task.done()
        await it.dispatcher.resume("hook")
        await it.until(lambda: len(it.wire.good) == 1)


async def test_a_resume_that_meets_a_full_disk_still_makes_due_what_had_failed(tmp_path: Path, disk: Disk) -> None:
    async with simulation(tmp_path, refuse, vfs=disk.name) as it:
        await it.add("a", "b", "c")
        await failed(it, 3)
        await it.dispatcher.pause("hook")
        it.wire.script = lambda _: Response(200)
        disk.room = full
        with pytest.raises(NoSpace):
            await it.dispatcher.resume("hook")
        disk.room = roomy
        start = it.clock.now()
        while any(delivery.due > it.clock.now() for delivery in await it.outbox.deliveries(Query())):
            it.clock.advance(10)
        assert it.clock.now() - start < 4_000, "by its schedule it would be due after 5 s"
        await it.until(lambda: len(it.wire.good) == 3)


async def test_an_endpoint_made_failing_by_one_delivery_alone_is_probed_with_it(tmp_path: Path) -> None:
    async with simulation(tmp_path, lambda _: Response(503)) as it:
        await it.add("x")
        await it.until(lambda: it.dispatcher.health("hook").state == "failing")
        since = it.clock.now()
        it.wire.script = lambda _: Response(200)
        await it.until(lambda: len(it.wire.good) == 1)
        assert it.clock.now() - since == 1_000


async def test_when_this_machine_runs_short_attempts_become_fewer_and_use_up_nothing(tmp_path: Path) -> None:
    async with simulation(tmp_path, lambda _: Unreachable("resources")) as it:
        await it.add(*[f"s{n}" for n in range(300)])
        await it.pass_(60_000)
        assert len(it.wire.sent) <= 16 * 7
        assert {d.tries for d in await it.outbox.deliveries(Query(limit=1000))} == {0}
        it.wire.script = lambda _: Response(200)
        await it.until(lambda: len(it.wire.good) == 300, limit=600_000)
        assert len(it.wire.good) == 300


async def test_a_drain_keeps_to_the_rate_and_still_finishes_what_is_due(tmp_path: Path) -> None:
    async with simulation(tmp_path, endpoints=[endpoint(rate=10)]) as it:
        await it.add(*[f"s{n}" for n in range(50)])
        await it.until(lambda: len(it.wire.good) >= 3)
        it.dispatcher.drain()
        await it.until(it.task.done)
        assert len(it.wire.good) == 50


async def test_a_hold_that_ended_on_a_full_disk_ends_when_there_is_room(tmp_path: Path, disk: Disk) -> None:
    def script(sent: Sent) -> Answer:
        return Response(404 if sent.event == "x-1" else 200)

    async with simulation(tmp_path, script, vfs=disk.name) as it:
        await it.add("x")
        await it.pass_(HOLD - 1_000)
        disk.room = full
        await it.pass_(2_500)
        disk.room = roomy
        await it.pass_(10_000)
        await it.add("x")
        start = it.clock.now()
        await it.until(lambda: it.wire.to("hook") == ["x-2"])
        assert it.clock.now() - start <= 1_000


async def test_a_pause_while_told_to_wait_does_not_shorten_the_wait_nor_lengthen_it(tmp_path: Path) -> None:
    """Resumed too early, it still waits; resumed later, it goes on at once."""
    for resumed_after, goes_on_after in ((10_000, 60_000), (100_000, 100_000)):
        folder = tmp_path / str(resumed_after)
        folder.mkdir()
        async with simulation(folder, lambda _: Response(429, b"", "60")) as it:
            await it.add("x")
            await failed(it, 1)
            told = it.wire.sent[0].at
            it.wire.script = lambda _: Response(204)
            await it.dispatcher.pause("hook")
            await it.pass_(told + resumed_after - it.clock.now())
            await it.dispatcher.resume("hook")
            await it.until(lambda: len(it.wire.good) == 1)
            assert it.wire.good[0].at - told == goes_on_after


async def test_a_resend_of_what_is_being_delivered_is_refused_and_it_comes_once(tmp_path: Path) -> None:
    async with simulation(tmp_path, lambda _: it.take(5_000, Response(204))) as it:
        await it.add("x", "x")
        await it.until(lambda: len(it.wire.sent) == 1)
        [delivery] = it.dispatcher.in_flight("hook")
        assert await it.outbox.resend(delivery, it.clock.now()) is False
        await it.until(lambda: len(it.wire.good) == 2)
        assert it.wire.to("hook") == ["x-1", "x-2"]
        assert await it.outbox.resend(delivery, it.clock.now()) is True
        await it.until(lambda: len(it.wire.good) == 3)
        assert it.wire.to("hook") == ["x-1", "x-2", "x-1"]


async def test_resent_while_its_subject_is_in_flight_it_waits_its_turn(tmp_path: Path) -> None:
    """Never two of a subject at once, whoever asks."""
    async with simulation(tmp_path, lambda _: it.take(5_000, Response(204))) as it:
        await it.add("x", "x")
        await it.until(lambda: len(it.wire.sent) == 2)
        first = min(row.id for row in await it.outbox.deliveries(Query()))
        assert await it.outbox.resend(first, it.clock.now()) is True
        await it.until(lambda: len(it.wire.good) == 3)
        assert it.wire.to("hook") == ["x-1", "x-2", "x-1"]
        assert it.wire.most["hook"] == 1


async def test_a_forgotten_id_is_a_new_event_and_one_that_is_owed_is_never_forgotten(tmp_path: Path) -> None:
    async with simulation(tmp_path, lambda sent: Response(204 if sent.event == "x-1" else 500)) as it:
        await it.add("x", "y")
        await it.until(lambda: len(it.wire.good) == 1)
        it.patience = 60.0
        await it.pass_(DAY + 3_600_000)
        while await it.outbox.prune(it.clock.now() - DAY, 100):
            continue
        it._counts.clear()
        await it.add("x", "y")
        await it.until(lambda: len(it.wire.good) == 2)
        assert it.wire.to("hook") == ["x-1", "x-1"]
        assert {row.event: row.attempts > 0 for row in await it.outbox.deliveries(Query(subject="y"))} == {"y-1": True}
        assert len(await it.outbox.deliveries(Query(subject="y"))) == 1


async def test_told_to_stop_while_a_verdict_waits_for_room_it_stops_in_its_time_and_repeats_that_one_alone(
    tmp_path: Path, disk: Disk
) -> None:
    def fills(_: Sent) -> Answer:
        disk.room = full
        return Response(204)

    async with simulation(tmp_path, fills, vfs=disk.name) as it:
        await it.add("x", "y", "z")
        await it.pass_(5_000)
        assert {sent.event for sent in it.wire.good} == {"x-1", "y-1", "z-1"}
        it.dispatcher.drain()
        await it.pass_(20_000)
        assert not it.task.done(), "what was sent is not yet on record"
        clock = it.clock
    disk.room = roomy
    async with simulation(tmp_path, clock=clock) as it:
        await it.until(lambda: len(it.wire.good) == 3)
        await it.pass_(DAY)
        assert len(it.wire.sent) == 3


async def test_what_is_given_back_because_the_endpoint_fails_may_be_claimed_at_once(tmp_path: Path) -> None:
    """A slot that has no use for what it was given lets go of it before anybody else may have it."""
    turns = iter(range(100_000))

    def script(_: Sent) -> Answer:
        return Response(500) if next(turns) % 23 > 15 else it.take(10, Response(204))

    async with simulation(tmp_path, script, endpoints=[endpoint(concurrency=2)]) as it:
        await it.add(*[f"s{n}" for n in range(300)])
        await it.until(lambda: len(it.wire.good) == 300)
        assert not it.task.done()
        assert len({sent.event for sent in it.wire.good}) == 300
