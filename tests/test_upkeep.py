"""Ages and the log's length. Law: made-up time, a real outbox; each step is small, whatever there is to do."""

from pathlib import Path

from simulation import Simulation, endpoint, simulation

from sidecar.model import Query, Response, Unreachable
from sidecar.upkeep import JUMP, STEP, Upkeep

DAY = 86_400_000
MAX_AGE, RETENTION = 4 * DAY, 30 * DAY


def upkeep(it: Simulation, *configured: str) -> Upkeep:
    return Upkeep(it.outbox, it.clock, configured or ("hook",), MAX_AGE, RETENTION)


async def states(it: Simulation) -> list[tuple[str, str]]:
    return [(d.state, d.reason) for d in await it.outbox.deliveries(Query(limit=1000))]


async def test_what_an_endpoint_gone_for_good_would_keep_for_ever_is_dead_after_max_age_and_can_be_sent_again(
    tmp_path: Path,
) -> None:
    gone = True
    async with simulation(tmp_path, lambda _: Unreachable("refused") if gone else Response(200)) as it:
        await it.add(*[f"s{n}" for n in range(3 * STEP)])
        await it.pass_(MAX_AGE)
        await upkeep(it).round()
        assert len(await it.outbox.deliveries(Query(state="dead", limit=1000))) == 0
        await it.pass_(1_000)
        await upkeep(it).round()
        assert set(await states(it)) == {("dead", "expired")}
        gone = False
        assert await it.outbox.resend(1, it.clock.now())
        await it.until(lambda: len(it.wire.good) == 1)
        await upkeep(it).round()
        assert it.wire.to("hook") == ["s0-1"]


async def test_a_paused_endpoints_and_an_orphaned_ones_events_are_kept_as_long_as_the_log(tmp_path: Path) -> None:
    async with simulation(tmp_path, endpoints=[endpoint("paused"), endpoint("other")]) as it:
        await it.dispatcher.pause("paused")
        await it.add("x", to=("paused", "orphan"))
        await it.pass_(RETENTION)
        await upkeep(it, "paused").round()
        assert await states(it) == [("pending", ""), ("pending", "")]
        await it.pass_(1_000)
        await upkeep(it, "paused").round()
        assert await states(it) == [("dead", "expired"), ("dead", "expired")]


async def test_finished_events_are_forgotten_after_the_retention_and_not_before(tmp_path: Path) -> None:
    async with simulation(tmp_path) as it:
        await it.add("x", "y")
        await it.until(lambda: len(it.wire.good) == 2)
        await it.pass_(RETENTION)
        await upkeep(it).round()
        assert len(await states(it)) == 2
        await it.pass_(1_000)
        await upkeep(it).round()
        assert await states(it) == []
        assert await it.outbox.event("x-1") is None


async def test_after_a_leap_of_the_clock_ages_wait_an_hour_before_they_count(tmp_path: Path) -> None:
    async with simulation(tmp_path, lambda _: Unreachable("refused")) as it:
        await it.add("x")
        keeper = upkeep(it)
        keeper.not_before = it.clock.now() + 5 * DAY + JUMP
        await it.pass_(5 * DAY)
        await keeper.round()
        assert [state for state, _ in await states(it)] == ["pending"]
        await it.pass_(JUMP + 1_000)
        await keeper.round()
        assert await states(it) == [("dead", "expired")]


async def test_what_became_too_old_while_the_sidecar_was_away_is_tried_first(tmp_path: Path) -> None:
    """For an hour; the receiver may come up later than the sidecar."""
    async with simulation(tmp_path, lambda _: Unreachable("refused")) as it:
        await it.add("x", "y")
        await it.pass_(60_000)
        clock = it.clock
    clock.advance(MAX_AGE + DAY)
    async with simulation(tmp_path, lambda _: Unreachable("refused"), clock=clock) as it:
        care = upkeep(it)
        care.came_back(it.outbox.written)
        await it.pass_(JUMP - 10_000)
        await care.round()
        assert {state for state, _ in await states(it)} == {"pending"}
        it.wire.script = lambda _: Response(204)
        await it.until(lambda: len(it.wire.good) == 2, 10 * 60_000)
        await it.add("z")
        await it.pass_(JUMP)
        await care.round()
        assert {state for state, _ in await states(it)} == {"delivered"}


async def test_who_was_away_for_a_moment_lets_things_expire_as_ever(tmp_path: Path) -> None:
    async with simulation(tmp_path, lambda _: Response(404)) as it:
        await it.add("old")
        await it.pass_(1_000)
        clock = it.clock
    clock.advance(MAX_AGE)
    async with simulation(tmp_path, lambda _: Response(404), clock=clock) as it:
        await it.add("new")
    clock.advance(10_000)
    async with simulation(tmp_path, lambda _: Response(404), clock=clock) as it:
        care = upkeep(it)
        care.came_back(it.outbox.written)
        await care.round()
        assert await states(it) == [("pending", ""), ("dead", "expired")]
