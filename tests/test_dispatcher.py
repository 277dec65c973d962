"""What the dispatcher promises an operator. Law: time and the wire are made up; the outbox and its disk are real."""

import asyncio
from collections import Counter
from itertools import chain, pairwise, repeat
from pathlib import Path

from simulation import SCHEDULE, Answer, Sent, endpoint, simulation

from sidecar.model import FAR, Query, Response, Unreachable


async def test_an_event_is_sent_to_every_endpoint_at_once(tmp_path: Path) -> None:
    hooks = [endpoint("a"), endpoint("b")]
    async with simulation(tmp_path, endpoints=hooks) as it:
        await it.add("x", to=("a", "b"))
        await it.until(lambda: len(it.wire.good) == 2)
        assert {(s.at, s.endpoint) for s in it.wire.sent} == {(it.clock.now(), "a"), (it.clock.now(), "b")}


async def test_a_failed_delivery_is_tried_again_by_the_schedule_and_then_dead(tmp_path: Path) -> None:
    async with simulation(tmp_path, lambda _: Response(404, b"gone fishing")) as it:
        start = it.clock.now()
        await it.add("x")
        await it.until(lambda: len(it.wire.sent) == len(SCHEDULE) + 1)
        gone, expected = 0, [0]
        for wait in SCHEDULE:
            gone += wait
            expected.append(gone)
        assert [s.at - start for s in it.wire.sent] == expected
        assert [s.attempt for s in it.wire.sent] == [1, 2, 3, 4, 5, 6]
        await it.pass_(1)
        delivery = await it.outbox.delivery(1)
        assert delivery is not None
        assert (delivery.state, delivery.reason, delivery.status) == ("dead", "exhausted", 404)
        assert [a.answer for a in await it.outbox.attempts(1)] == [b"gone fishing"] * 6


async def test_a_refused_body_is_dead_at_once_with_the_receivers_answer_kept(tmp_path: Path) -> None:
    async with simulation(tmp_path, lambda _: Response(422, b"no such repo")) as it:
        await it.add("x")
        await it.until(lambda: len(it.wire.sent) == 1)
        await it.pass_(10_000_000)
        delivery = await it.outbox.delivery(1)
        assert delivery is not None
        assert (delivery.state, delivery.reason) == ("dead", "refused")
        assert (await it.outbox.attempts(1))[0].answer == b"no such repo"
        assert len(it.wire.sent) == 1


async def test_no_more_attempts_are_in_flight_than_the_endpoint_allows(tmp_path: Path) -> None:
    async with simulation(tmp_path, lambda _: it.take(100, Response(200)), endpoints=[endpoint(concurrency=3)]) as it:
        await it.add(*[f"s{n}" for n in range(20)])
        await it.until(lambda: len(it.wire.good) == 20)
        assert it.wire.most == {"hook": 3}


async def test_a_slow_endpoint_delays_no_other(tmp_path: Path) -> None:
    def script(sent: Sent) -> Answer:
        return it.take(10_000, Response(200)) if sent.endpoint == "slow" else Response(200)

    async with simulation(tmp_path, script, endpoints=[endpoint("slow"), endpoint("quick")]) as it:
        start = it.clock.now()
        await it.add(*[f"s{n}" for n in range(100)], to=("slow", "quick"))
        await it.until(lambda: len(it.wire.to("quick")) == 100)
        assert it.clock.now() == start
        await it.until(lambda: len(it.wire.to("slow")) == 100)


async def test_after_five_failures_few_probes_are_made_and_what_waits_uses_up_no_attempt(tmp_path: Path) -> None:
    hour = 3_600_000
    async with simulation(tmp_path, lambda _: Response(503)) as it:
        await it.add(*[f"s{n}" for n in range(400)])
        await it.pass_(hour)
        assert it.dispatcher.health("hook").state == "failing"
        assert len(it.wire.sent) <= 16 + 9 + 60 * 60 // 300 + 1
        tries = [d.tries for d in await it.outbox.deliveries(Query(limit=1000))]
        assert sum(tries) <= 16
        assert tries.count(0) >= 384


async def test_probes_go_round_so_that_one_poisoned_event_cannot_keep_an_endpoint_down(tmp_path: Path) -> None:
    healthy = asyncio.Event()

    def script(sent: Sent) -> Answer:
        return Response(200) if healthy.is_set() and sent.event != "poison-1" else Response(500)

    async with simulation(tmp_path, script) as it:
        await it.add("poison", *[f"s{n}" for n in range(30)])
        await it.until(lambda: it.dispatcher.health("hook").state == "failing")
        healthy.set()
        await it.until(lambda: len(it.wire.good) == 30, limit=60_000)
        assert len(it.wire.good) == 30


async def test_when_the_endpoint_is_back_what_failed_is_due_at_once_and_the_flow_grows_gently(tmp_path: Path) -> None:
    broken = asyncio.Event()
    broken.set()

    def script(_: Sent) -> Answer:
        return it.take(100, Response(503 if broken.is_set() else 200))

    async with simulation(tmp_path, script) as it:
        await it.add(*[f"s{n}" for n in range(100)])
        await it.pass_(120_000)
        before = len(it.wire.sent)
        broken.clear()
        probe = it.dispatcher.health("hook").not_before
        await it.until(lambda: len(it.wire.good) == 100)
        assert it.clock.now() - probe < 4_000, "the first five waited for no schedule"
        assert len(it.wire.sent) == before + 100
        recovery = list(Counter(s.at for s in it.wire.sent[before:]).values())
        assert recovery == [1] * 11 + [2] * 10 + [4] * 10 + [8] * 3 + [5]
        assert it.dispatcher.health("hook").state == "active"


async def test_failures_in_a_row_while_it_recovers_halve_what_is_under_way_from_the_next_delivery_on(
    tmp_path: Path,
) -> None:
    outcomes = chain([503] * 16, [200] * 60, [503] * 3, repeat(200))
    async with simulation(tmp_path, lambda _: it.take(100, Response(next(outcomes)))) as it:
        await it.add(*[f"s{n}" for n in range(100)])
        await it.until(lambda: len(it.wire.good) == 100)
        recovery = list(Counter(s.at for s in it.wire.sent if s.at > it.wire.sent[0].at + 500).values())
        assert recovery == [1] * 11 + [2] * 10 + [4] * 8 + [2] * 10 + [4] * 4 + [1, 3]


async def test_an_endpoint_that_told_us_to_wait_is_then_met_by_one_delivery_not_by_all(tmp_path: Path) -> None:
    async with simulation(tmp_path, lambda _: it.take(100, next(told, Response(200)))) as it:
        told = iter([Response(429, b"", "60")])
        await it.add("s0")
        await it.until(lambda: len(it.wire.sent) == 1)
        await it.pass_(1_000)
        await it.add(*[f"s{n}" for n in range(1, 41)])
        await it.until(lambda: len(it.wire.good) == 41)
        assert it.wire.sent[1].at == it.wire.sent[0].at + 60_100
        assert list(Counter(s.at for s in it.wire.sent[1:]).values())[:21] == [1] * 10 + [2] * 10 + [4]


async def test_retry_after_holds_the_whole_endpoint_and_no_other(tmp_path: Path) -> None:
    told = iter([Response(429, b"", "60")])

    def script(sent: Sent) -> Answer:
        return next(told, Response(200)) if sent.endpoint == "busy" else Response(200)

    async with simulation(tmp_path, script, endpoints=[endpoint("busy", concurrency=1), endpoint("idle")]) as it:
        start = it.clock.now()
        await it.add(*[f"s{n}" for n in range(10)], to=("busy", "idle"))
        await it.until(lambda: len(it.wire.to("busy")) == 10)
        assert {s.at - start for s in it.wire.sent if s.endpoint == "idle"} == {0}
        assert [s.at - start for s in it.wire.sent if s.endpoint == "busy"][:2] == [0, 60_000]


async def test_410_pauses_and_resume_goes_on_in_order(tmp_path: Path) -> None:
    gone = iter([Response(410)])
    async with simulation(tmp_path, lambda _: next(gone, Response(200)), endpoints=[endpoint(concurrency=1)]) as it:
        await it.add("x", "x", "x")
        await it.pass_(86_400_000)
        assert it.dispatcher.health("hook").state == "paused"
        assert len(it.wire.sent) == 1
        await it.dispatcher.resume("hook")
        await it.until(lambda: len(it.wire.good) == 3)
        assert it.wire.to("hook") == ["x-1", "x-2", "x-3"]
        assert [a.status for a in await it.outbox.attempts(1)] == [410, 200]


async def test_paused_by_hand_nothing_starts_and_the_rest_of_its_neighbours_go_on(tmp_path: Path) -> None:
    async with simulation(tmp_path, endpoints=[endpoint("a"), endpoint("b")]) as it:
        await it.dispatcher.pause("a")
        await it.add("x", "y", to=("a", "b"))
        await it.pass_(100_000)
        assert (it.wire.to("a"), it.wire.to("b")) == ([], ["x-1", "y-1"])
        await it.dispatcher.resume("a")
        await it.until(lambda: len(it.wire.to("a")) == 2)


async def test_health_survives_a_restart(tmp_path: Path) -> None:
    async with simulation(tmp_path, lambda _: Unreachable("refused")) as it:
        await it.add(*[f"s{n}" for n in range(30)])
        await it.pass_(30_000)
        before = it.dispatcher.health("hook")
        assert before.state == "failing"
        clock = it.clock
    async with simulation(tmp_path, lambda _: Response(200), clock=clock) as it:
        after = it.dispatcher.health("hook")
        assert (after.state, after.since, after.wait, after.not_before) == (
            before.state,
            before.since,
            before.wait,
            before.not_before,
        )
        await it.until(lambda: len(it.wire.good) == 30)
        assert it.wire.sent[0].at == before.not_before


async def test_a_rate_is_kept_smoothly(tmp_path: Path) -> None:
    async with simulation(tmp_path, endpoints=[endpoint(rate=10)]) as it:
        await it.add(*[f"s{n}" for n in range(31)])
        await it.until(lambda: len(it.wire.good) == 31)
        times = [s.at for s in it.wire.sent]
        assert 2_900 <= times[-1] - times[0] <= 3_100
        assert min(b - a for a, b in pairwise(times)) >= 80


async def test_draining_finishes_what_is_due_now_and_leaves_later_retries(tmp_path: Path) -> None:
    def script(sent: Sent) -> Answer:
        return it.take(50, Response(404 if sent.subject == "bad" else 200))

    async with simulation(tmp_path, script, endpoints=[endpoint(concurrency=2)]) as it:
        await it.add("bad", *[f"s{n}" for n in range(20)])
        await it.until(lambda: len(it.wire.sent) == 2)
        it.dispatcher.drain()
        await it.until(it.task.done)
        assert len(it.wire.good) == 20
        assert (await it.outbox.counts())["hook"].pending == 1


async def test_an_idle_dispatcher_waits_for_an_event_alone(tmp_path: Path) -> None:
    async with simulation(tmp_path) as it:
        await it.add("x")
        await it.until(lambda: len(it.wire.good) == 1)
        await it.clock.waiting(FAR)
        assert it.clock.waits == [FAR]
