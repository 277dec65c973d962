"""What the dispatcher promises an endpoint that has nothing to do when something comes. Law: see test_dispatcher.py."""

import asyncio
from collections.abc import Awaitable
from itertools import chain, pairwise, repeat
from pathlib import Path

from simulation import Answer, Response, Sent, Simulation, endpoint, simulation

from sidecar.model import Claimed


async def test_what_comes_in_to_an_idle_endpoint_starts_without_another_look_for_it(tmp_path: Path) -> None:
    async with simulation(tmp_path) as it:
        await it.add("x")
        await it.until(lambda: len(it.wire.good) == 1)
        looks = count_claims(it)
        for n in range(2, 7):
            await it.add("x")
            await it.until(lambda: len(it.wire.good) == n)  # noqa: B023 # it is called within the round
        assert it.wire.to("hook") == [f"x-{n}" for n in range(1, 7)]
        assert looks == []


async def test_while_an_endpoint_recovers_its_next_delivery_comes_with_the_verdict_on_the_last(tmp_path: Path) -> None:
    outcomes = chain([503] * 16, repeat(200))
    async with simulation(tmp_path, lambda _: it.take(10, Response(next(outcomes)))) as it:
        await it.add(*[f"s{n}" for n in range(80)])
        await it.until(lambda: it.dispatcher.health("hook").state == "failing")
        looks = count_claims(it)
        await it.until(lambda: len(it.wire.good) == 80)
        assert it.wire.sent[-1].at - it.wire.sent[-75].at >= 700, "one at a time"
        assert len(looks) < 8


def count_claims(it: Simulation) -> list[str]:
    claim, looks = it.outbox.claim, list[str]()

    def looked(name: str, limit: int, now: int, flow: int, *, standing: bool) -> Awaitable[Claimed]:
        looks.append(name)
        return claim(name, limit, now, flow, standing=standing)

    it.outbox.claim = looked  # type: ignore[assignment,method-assign] # a seam to count by
    return looks


async def test_while_paused_nothing_that_comes_in_starts_and_all_of_it_after(tmp_path: Path) -> None:
    async with simulation(tmp_path) as it:
        await it.add("x")
        await it.until(lambda: len(it.wire.good) == 1)
        await it.dispatcher.pause("hook")
        await it.add("x", "y", "z")
        await it.pass_(60_000)
        assert len(it.wire.sent) == 1
        await it.dispatcher.resume("hook")
        await it.until(lambda: len(it.wire.good) == 4)
        assert it.wire.to("hook") == ["x-1", "x-2", "y-1", "z-1"]


async def test_an_endpoint_with_one_slot_is_never_given_two(tmp_path: Path) -> None:
    slow = [endpoint(concurrency=1)]
    async with simulation(tmp_path, lambda _: it.take(10, Response(200)), endpoints=slow) as it:
        await it.add("warm")
        await it.until(lambda: len(it.wire.good) == 1)
        await it.add(*[f"s{n}" for n in range(8)])
        await it.until(lambda: len(it.wire.good) == 9)
        assert it.wire.most == {"hook": 1}


async def test_a_rate_holds_for_what_comes_in_to_an_idle_endpoint(tmp_path: Path) -> None:
    async with simulation(tmp_path, endpoints=[endpoint(rate=1.0)]) as it:
        await it.add("warm")
        await it.until(lambda: len(it.wire.good) == 1)
        await it.add("x", "y", "z")
        await it.until(lambda: len(it.wire.good) == 4)
        moments = [s.at for s in it.wire.sent]
        assert [later - earlier for earlier, later in pairwise(moments)] == [1000, 1000, 1000]


async def test_a_retry_that_falls_due_while_a_drain_waits_for_another_delivery_is_left_alone(tmp_path: Path) -> None:
    def script(sent: Sent) -> Answer:
        return it.take(10_000, Response(200)) if sent.subject == "slow" else Response(404)

    async with simulation(tmp_path, script) as it:
        await it.add("bad", "slow")
        await it.until(lambda: len(it.wire.sent) == 2)
        await it.pass_(100)
        looks = count_claims(it)
        it.dispatcher.drain()
        await it.until(it.task.done)
        assert (it.wire.to("hook"), len(it.wire.sent)) == (["slow-1"], 2)
        assert len(looks) < 4


async def test_what_was_accepted_before_the_drain_is_delivered_by_it(tmp_path: Path) -> None:
    async with simulation(tmp_path) as it:
        await it.add("x")
        await it.until(lambda: len(it.wire.good) == 1)
        adding = asyncio.ensure_future(it.add("x", "y", "z"))
        await asyncio.sleep(0)
        it.dispatcher.drain()
        await adding
        await it.task
        assert it.wire.to("hook") == ["x-1", "x-2", "y-1", "z-1"]
